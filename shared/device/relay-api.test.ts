// The body of an answer as it comes: in parts, of which none is held once it has been handed on, and those of a blob in
// memory that is used again.
import { expect, it } from 'vitest';
import { textOf, utf8, type Bytes } from './bytes.ts';
import { collect, RelayApi } from './relay-api.ts';

const mib = 1024 * 1024;
/** Of the body, and what may be held of it before the collector has been round, in bytes. */
const bodyLength = 512 * mib;
const maxHeld = 256 * mib;

/** A relay that answers everything with a body of so many bytes. */
function relayOf(length: number): RelayApi {
  const answer = (): Promise<Response> => {
    let left = length;
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
      if (left > 0) controller.enqueue(new Uint8Array(64 * 1024).fill(left));
      else controller.close();
      left -= 64 * 1024;
    };
    return Promise.resolve(new Response(new ReadableStream({ pull })));
  };
  const tokens = { token: () => Promise.resolve('token') };
  return new RelayApi(tokens, {
    relay: 'https://relay.example',
    serviceId: 'abcd-efgh-ijkl',
    fetch: answer,
  });
}

it('a body of half a gigabyte is read in memory that does not grow with it', async () => {
  const before = process.memoryUsage().arrayBuffers;
  const body = await relayOf(bodyLength).blob('blob', 0);
  let received = 0;
  let most = 0;
  for await (const part of body) {
    received += part.length;
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  expect(received).toBe(bodyLength);
  expect(most).toBeLessThan(maxHeld);
});

/** A relay that answers everything with these parts, in a stream of bytes as fetch has it. */
function relaySaying(status: number, ...parts: string[]): RelayApi {
  const pull = (controller: ReadableByteStreamController): void => {
    const part = parts.shift();
    if (part !== undefined) {
      controller.enqueue(utf8(part));
      return;
    }
    controller.close();
    controller.byobRequest?.respond(0);
  };
  const fetch = (): Promise<Response> =>
    Promise.resolve(new Response(new ReadableStream({ type: 'bytes', pull }), { status }));
  const tokens = { token: () => Promise.resolve('token') };
  return new RelayApi(tokens, { relay: 'https://relay.example', serviceId: 'abcd-efgh-ijkl', fetch });
}

it('a part of a blob is good until the next one is asked for: its memory is used again', async () => {
  const body = await relaySaying(200, 'first', 'second').blob('blob', 0);
  const first = (await body.next()).value as Bytes;
  expect(textOf(first)).toBe('first');
  const second = (await body.next()).value as Bytes;
  expect(textOf(second)).toBe('second');
  expect(first).toHaveLength(0);
  expect((await body.next()).done).toBe(true);
});

it('parts that are put together are each in memory of their own: those of other answers, and of a refused blob', async () => {
  const { body } = await relaySaying(200, 'first', 'second').call('agentinfo');
  expect(textOf(await collect(body, 100))).toBe('firstsecond');
  const problem = JSON.stringify({ code: 'blob_unknown', message: 'There is no such blob.' });
  const refused = relaySaying(404, problem.slice(0, 9), problem.slice(9)).blob('blob', 0);
  await expect(refused).rejects.toMatchObject({ code: 'blob_unknown' });
});

it('calls of the API have no cache mode, which would cost a browser a preflight before each of them; a blob is not kept', async () => {
  const modes: unknown[] = [];
  const fetch = (_url: unknown, init?: RequestInit): Promise<Response> => {
    modes.push(init?.cache);
    return Promise.resolve(new Response('{}'));
  };
  const tokens = { token: () => Promise.resolve('token') };
  const api = new RelayApi(tokens, { relay: 'https://relay.example', serviceId: 'abcd-efgh-ijkl', fetch });
  await api.call('agentinfo');
  await api.call('request', { body: utf8('sealed') });
  await api.blob('blob', 0);
  expect(modes).toEqual([undefined, undefined, 'no-store']);
});

it('an answer that an untrusted relay has compressed is read no further than the limit, however short it says that it is', async () => {
  let sent = 0;
  // As fetch hands on a body that it decompresses: 256 MiB of zeros are some hundred bytes of brotli.
  const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    if (sent === 256 * mib) return controller.close();
    sent += mib;
    controller.enqueue(new Uint8Array(mib));
  };
  const headers = { 'content-encoding': 'br', 'content-length': '225' };
  const fetch = (): Promise<Response> =>
    Promise.resolve(new Response(new ReadableStream({ pull }), { headers }));
  const tokens = { token: () => Promise.resolve('token') };
  const api = new RelayApi(tokens, { relay: 'https://relay.example', serviceId: 'abcd-efgh-ijkl', fetch });
  const { body } = await api.call('request', { body: utf8('sealed') });
  await expect(collect(body, 2 * mib)).rejects.toMatchObject({ code: 'body_too_large' });
  expect(sent).toBeLessThan(8 * mib);
});
