// Calls over HTTP: what is sent, and what each kind of answer becomes.
import { describe, expect, it } from 'vitest';
import { HttpClient } from './http-client.ts';

class SilentSocket extends EventTarget {
  readonly readyState = 0;
  send(): void {}
  close(): void {}
}

interface Sent {
  readonly url: string;
  readonly init: RequestInit;
}

function clientThat(answer: (init: RequestInit) => Promise<Response> | Response) {
  const sent: Sent[] = [];
  let sockets = 0;
  const client = new HttpClient({
    fetch: async (url, init = {}) => {
      sent.push({ url: typeof url === 'string' ? url : 'another form', init });
      return answer(init);
    },
    openSocket: () => {
      sockets += 1;
      return Object.assign(new SilentSocket(), { readyState: 1 }) as EventTarget as WebSocket;
    },
  });
  return { client, sent, sockets: () => sockets };
}

const json = (value: unknown, status = 200) => new Response(JSON.stringify(value), { status });

describe('a call', () => {
  it('is a POST of its arguments that follows no redirect', async () => {
    const { client, sent } = clientThat(() => json({ result: { sessionsEnded: 2 } }));
    expect(await client.call('tokens.revoke', { id: 'a' })).toEqual({ sessionsEnded: 2 });
    expect(sent[0]?.url).toBe('/api/tokens.revoke');
    expect(sent[0]?.init).toMatchObject({ method: 'POST', body: '{"id":"a"}', redirect: 'error' });
  });

  it('that is refused rejects with the code, sentence and details of the service', async () => {
    const error = { code: 'sign_in_delayed', message: 'Wait.', details: { retryInMs: 4000 } };
    const { client } = clientThat(() => json({ error }, 429));
    await expect(client.call('console.unlock', { password: 'x' })).rejects.toMatchObject(error);
  });

  it.each([
    ['a page of HTML', () => new Response('<html>')],
    ['an empty body', () => new Response('')],
    ['an object of another form', () => json({ ok: true })],
    ['an error with an unknown code', () => json({ error: { code: 'gone', message: '' } }, 500)],
    ['an error that is a text', () => json({ error: 'no' }, 500)],
  ])('answered by %s rejects as internal', async (_, answer) => {
    const { client } = clientThat(answer);
    await expect(client.call('views.list', {})).rejects.toMatchObject({ code: 'internal' });
  });

  it('that reaches nobody says that the host does not answer', async () => {
    const { client } = clientThat(() => Promise.reject(new TypeError('Failed to fetch')));
    await expect(client.call('views.list', {})).rejects.toMatchObject({ code: 'console_unreachable' });
  });

  it('that is aborted is cancelled, and takes the request with it', async () => {
    const gone = new AbortController();
    const { client, sent } = clientThat(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal?.addEventListener('abort', () => reject(new Error('aborted')));
        }),
    );
    const call = client.call('views.list', {}, { signal: gone.signal });
    gone.abort();
    await expect(call).rejects.toMatchObject({ code: 'cancelled' });
    expect(sent[0]?.init.signal).toBe(gone.signal);
  });

  it('that finds the session ended asks anew where things stand', async () => {
    const error = { code: 'not_signed_in', message: 'Sign in.' };
    const { client, sockets } = clientThat(() => json({ error }, 401));
    await expect(client.call('views.list', {})).rejects.toMatchObject({ code: 'not_signed_in' });
    expect(sockets()).toBe(2);
  });
});
