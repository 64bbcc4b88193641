// Request bodies as strangers send them, over HTTP/2: what is malformed, too large or cut short never
// reaches a handler as if it were whole.
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Rpc } from '../rpc/rpc.ts';
import { codeOf, request, SampleEndpoint, startRequest, until } from './endpoint-samples.ts';

const opened: SampleEndpoint[] = [];
const json = { 'content-type': 'application/json' };
const octets = { 'content-type': 'application/octet-stream' };
const MiB = 1024 * 1024;

afterEach(() => {
  for (const endpoint of opened.splice(0)) endpoint.close();
});

/** An endpoint with RPCs that write down what reached them whole. */
function openEndpoint() {
  const whole = vi.fn();
  const take: Rpc = {
    name: 'take',
    takesStream: true,
    run: async ({ args, body }) => {
      const chunks: Buffer[] = [];
      if (body !== null) for await (const chunk of body) chunks.push(chunk as Buffer);
      whole(body === null ? args : Buffer.concat(chunks).length);
      return { json: args };
    },
  };
  const strict: Rpc = { name: 'strict', takesStream: false, run: ({ args }) => ({ json: args }) };
  const endpoint = new SampleEndpoint({ rpcs: [take, strict] });
  opened.push(endpoint);
  return { endpoint, log: endpoint.log, whole };
}

async function openH2() {
  const sample = openEndpoint();
  return { ...sample, ...(await sample.endpoint.openH2()) };
}

const deep = '['.repeat(100_000);
const noJson: readonly [what: string, body: Buffer | string][] = [
  ['no JSON', 'hello'],
  ['half of JSON', '{"a":'],
  ['two values', '{}{}'],
  ['deeply nested brackets', deep],
  ['invalid UTF-8', Buffer.from([0x22, 0xff, 0xfe, 0x22])],
  ['UTF-16', Buffer.from('{}', 'utf16le')],
  ['a NUL', '\0'],
  ['an overlong encoding', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
];

describe('a JSON body', () => {
  it.each(noJson)('that is %s is refused', async (_what, body) => {
    const { whole, session } = await openH2();
    const answer = await request(session, '/rpc/take', body);
    expect([answer.status, codeOf(answer)]).toEqual([400, 'rpc_bad_request']);
    expect(whole).not.toHaveBeenCalled();
  });

  it('may have 1 MiB and not a byte more', async () => {
    const { whole, session } = await openH2();
    const fits = JSON.stringify('x'.repeat(MiB - 2));
    expect((await request(session, '/rpc/take', fits)).status).toBe(200);
    const answer = await request(session, '/rpc/take', `${fits} `);
    expect([answer.status, codeOf(answer)]).toEqual([413, 'rpc_too_large']);
    expect(whole).toHaveBeenCalledOnce();
  });

  it('is refused for its declared length before it has come', async () => {
    const { session, log } = await openH2();
    const stream = startRequest(session, '/rpc/take', { ...json, 'content-length': String(MiB + 1) });
    stream.write('{');
    const answer = await new Promise((resolve) => stream.once('response', resolve));
    expect(answer).toMatchObject({ ':status': 413 });
    stream.close(8);
    await until(() => log.finished.length === 1);
    expect(log.finished).toMatchObject([{ errorCode: 'rpc_too_large', bytesRead: 0 }]);
  });

  it('is null where nothing came', async () => {
    const { whole, session } = await openH2();
    expect(String((await request(session, '/rpc/take', '')).body)).toBe('null');
    expect(whole).toHaveBeenCalledWith(null);
  });

  it.each(['application/json; charset=utf-8', 'Application/JSON'])('may come as %s', async (type) => {
    const { session } = await openH2();
    const answer = await request(session, '/rpc/take', '{"a":1}', { 'content-type': type });
    expect(String(answer.body)).toBe('{"a":1}');
  });
});

describe('a streamed body', () => {
  it.each(['application/octet-stream', 'application/octet-stream; x=y', 'Application/Octet-Stream ;x=y'])(
    'comes as %s',
    async (type) => {
      const { session, whole } = await openH2();
      await request(session, '/rpc/take', 'octets', { 'content-type': type });
      expect(whole).toHaveBeenCalledWith(6);
    },
  );

  it('is refused by an RPC that takes none', async () => {
    const { session } = await openH2();
    expect(codeOf(await request(session, '/rpc/strict', 'octets', octets))).toBe('rpc_bad_request');
  });

  it('may have any length', async () => {
    const { session, whole } = await openH2();
    await request(session, '/rpc/take', Buffer.alloc(5 * MiB), octets);
    expect(whole).toHaveBeenCalledWith(5 * MiB);
  });

  const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const longest = Buffer.from(`"${'x'.repeat(6144 - 2)}"`).toString('base64url');
  it.each([
    ['nothing', {}, 200, 'null'],
    ['JSON', { 'gatehouse-args': encoded({ a: 1 }) }, 200, '{"a":1}'],
    ['8 KiB', { 'gatehouse-args': longest }, 200, `"${'x'.repeat(6144 - 2)}"`],
    ['more than 8 KiB', { 'gatehouse-args': `${longest}A` }, 413, 'rpc_too_large'],
    ['plain JSON', { 'gatehouse-args': '{"a":1}' }, 400, 'rpc_bad_request'],
    ['characters that are no base64url', { 'gatehouse-args': '!!!!' }, 400, 'rpc_bad_request'],
    ['padding', { 'gatehouse-args': `${encoded({ ab: 1 })}=` }, 400, 'rpc_bad_request'],
    ['base64url of no JSON', { 'gatehouse-args': 'AAAA' }, 400, 'rpc_bad_request'],
  ])('whose header has %s as arguments is answered for it', async (_what, headers, status, expected) => {
    const { session } = await openH2();
    const answer = await request(session, '/rpc/take', 'octets', { ...octets, ...headers });
    expect(answer.status).toBe(status);
    expect(status === 200 ? String(answer.body) : codeOf(answer)).toBe(expected);
  });
});
