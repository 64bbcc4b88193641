// Which web pages get to the HTTPS API: those whose origin was named, to this API alone, and never with credentials
// that a browser keeps.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiWorld, page, problem } from '../../testing/api-world.ts';
import { startTestRelay } from '../../testing/relay-peers.ts';

let world: ApiWorld;

beforeEach(async () => {
  world = await ApiWorld.start();
});

afterEach(() => world.stop());

describe('web pages', () => {
  it('of a named origin may read answers and refusals', async () => {
    const headers = { origin: page, 'sec-fetch-site': 'cross-site' };
    for (const answer of [
      await world.call('request', { headers }),
      await world.call('request', { headers, path: '/s/x' }),
    ]) {
      expect(answer.headers).toMatchObject({ 'access-control-allow-origin': page, vary: 'origin' });
      expect(answer.headers['access-control-expose-headers']).toContain('x-session-id');
      expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
    }
  });

  it('of a named origin may ask first', async () => {
    const headers = { origin: page, 'access-control-request-method': 'POST', authorization: undefined };
    const answer = await world.call('request', { method: 'OPTIONS', headers, body: '' });
    expect([answer.status, answer.headers['access-control-allow-methods']]).toEqual([204, 'POST']);
    expect(answer.headers['access-control-allow-headers']).toMatch(/authorization.*device.*x-session-id/);
    expect(answer.headers['access-control-allow-origin']).toBe(page);
    expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
  });

  it.each([
    { origin: 'https://evil.example' },
    { origin: `${page}.evil.example` },
    { origin: `${page}:444` },
    { origin: 'http://app.example' },
    { origin: 'null' },
    { origin: page.toUpperCase() },
    { origin: `${page}/` },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ])('of any other origin are refused and may read nothing: %o', async (headers) => {
    for (const method of ['POST', 'OPTIONS']) {
      const answer = await world.call('request', { method, headers });
      expect(problem(answer)).toEqual([403, 'not_authorised']);
      expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    }
    expect(world.calls).toHaveLength(0);
  });

  it('of a named origin get nothing but this API', async () => {
    const { socket, answer } = world.dial(
      `GET /healthz HTTP/1.1\r\nhost: ${world.test.url.host}\r\norigin: ${page}\r\n\r\n`,
    );
    setTimeout(() => socket.end(), 300);
    const text = await answer;
    expect(text).toMatch(/^HTTP\/1\.1 403/);
    expect(text.toLowerCase()).not.toContain('access-control');
  });

  it('get no further by a rebound name', async () => {
    const answer = await world.call('request', { headers: { host: 'evil.example', origin: page } });
    expect(problem(answer)).toEqual([421, 'relay_url_mismatch']);
  });

  it.each([
    '*',
    'null',
    'http://app.example',
    'https://app.example/path',
    'https://u:p@app.example',
    'app.example',
  ])('cannot be named as %s', async (origin) => {
    await expect(startTestRelay({ corsOrigins: [origin] })).rejects.toMatchObject({ code: 'usage' });
  });
});
