// Hostile calls: bodies that are not what they say, and session verification out of its form and order.
// Must never hold more than one attack's worth of requests open.
import { connect } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import type { RawClient } from '../../shared/testing/raw-client.ts';
import { post } from '../../shared/testing/raw-client.ts';
import type { Attack, AttackCase, Target } from './target.ts';

export interface Request {
  readonly path: string;
  readonly body?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** HTTP/2 by Node in a session of its own. */
export async function openHttp2(target: Target, client: RawClient): Promise<ClientHttp2Session> {
  const socket = await client.openTls(target.serviceId, { ALPNProtocols: ['h2'] });
  const session = connect('https://x', { createConnection: () => socket });
  session.on('error', () => undefined);
  return session;
}

/** One request; `200`, a status with the code of its error, or `reset` with HTTP/2's own. */
export function ask(
  session: ClientHttp2Session,
  { path, body = '', headers = {} }: Request,
): Promise<string> {
  return new Promise((resolve) => {
    const stream = session.request({ ':method': 'POST', ':path': path, ...headers });
    let status = 0;
    let answer = '';
    stream.on('response', (head) => (status = Number(head[':status'])));
    stream.on('data', (chunk: Buffer) => (answer += answer.length < 4096 ? chunk.toString('utf8') : ''));
    stream.on('error', () => undefined);
    stream.once('close', () => {
      const code = /^\{"error":\{"code":"(\w+)"/.exec(answer)?.[1];
      resolve(status === 0 ? `reset ${stream.rstCode ?? 0}` : [status, code].filter(Boolean).join(' '));
    });
    stream.end(body);
  });
}

const call =
  (
    rpc: string,
    body: string | Buffer,
    headers: Record<string, string> = { 'content-type': 'application/json' },
  ): Attack =>
  (target) =>
    target.raw(async (client) =>
      ask(await openHttp2(target, client), { path: `/rpc/${rpc}`, body, headers }),
    );

const octets = 'application/octet-stream';
const withArgs = (args: string): Attack =>
  call('chargen', '', { 'content-type': octets, 'gatehouse-args': args });
const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** Sends HTTP/1.1 that ends before its body does; the outcome is what came back. */
const endsEarly =
  (head: string, body: string): Attack =>
  (target) =>
    target.raw(async (client) => {
      const socket = await client.openTls(target.serviceId, { ALPNProtocols: ['http/1.1'] });
      let answer = '';
      socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
      socket.end(
        `POST /rpc/discard HTTP/1.1\r\nhost: x\r\ncontent-type: ${octets}\r\n${head}\r\n\r\n${body}`,
      );
      await new Promise((resolve) => socket.once('close', resolve));
      return answer.split('\r\n')[0] ?? '';
    });

export const callCases: readonly AttackCase[] = [
  ['an honest call', /^200$/, call('echo', '{"a":1}')],
  ['no JSON', /^400 rpc_bad_request$/, call('echo', '{"a":')],
  ['two JSONs', /^400 rpc_bad_request$/, call('echo', '{}{}')],
  ['JSON in no UTF-8', /^400 rpc_bad_request$/, call('echo', Buffer.from([0x22, 0xff, 0x22]))],
  ['JSON with a NUL', /^400 rpc_bad_request$/, call('echo', '\0')],
  ['JSON 100,000 deep, echoed', /^(200|500 rpc_failed)$/, call('echo', nested(100_000))],
  ['JSON 100,000 deep, as an argument', /^500 rpc_failed$/, call('ping', `{"echo":${nested(100_000)}}`)],
  ['__proto__ as an argument', /^200$/, call('ping', '{"__proto__":{"echo":1},"constructor":1}')],
  ['1 MiB of JSON', /^200$/, call('echo', `"${'x'.repeat(1024 * 1024 - 2)}"`)],
  ['1 MiB of JSON and a byte', /^413 rpc_too_large$/, call('echo', `"${'x'.repeat(1024 * 1024 - 1)}"`)],
  [
    'a length of more than 1 MiB that is a lie',
    /^(413 rpc_too_large|reset 1)$/,
    call('echo', '{}', { 'content-length': '99999999' }),
  ],
  ['a length that is less than comes', /^reset [12]$/, call('echo', '{"a":1}', { 'content-length': '2' })],
  ['a length that is more than comes', /^reset [12]$/, call('echo', '{"a":1}', { 'content-length': '200' })],
  ['arguments that are no base64url', /^400 rpc_bad_request$/, withArgs('!!!!')],
  [
    'arguments that are no JSON',
    /^400 rpc_bad_request$/,
    withArgs(Buffer.from('{"bytes"').toString('base64url')),
  ],
  ['arguments of 9 KiB', /^413 rpc_too_large$/, withArgs('A'.repeat(9 * 1024))],
  [
    'more bytes than there may be',
    /^400 rpc_bad_request$/,
    withArgs(Buffer.from('{"bytes":1e300}').toString('base64url')),
  ],
  [
    'a negative number of bytes',
    /^400 rpc_bad_request$/,
    withArgs(Buffer.from('{"bytes":-1}').toString('base64url')),
  ],
  ['an RPC that is not there', /^404 rpc_unknown$/, call('nothing', '')],
  ['an RPC called __proto__', /^404 rpc_unknown$/, call('__proto__', '')],
  ['an RPC whose name is a path', /^404 rpc_unknown$/, call('../session/verify', '')],
  ['an RPC with a name of 10,000 characters', /^404 rpc_unknown$/, call('a'.repeat(10_000), '')],
  [
    'a stream for an RPC that takes none',
    /^400 rpc_bad_request$/,
    call('ping', '', { 'content-type': octets }),
  ],
  ['a body that ends before its length', /^HTTP\/1\.1 400|^$/, endsEarly('content-length: 100', 'short')],
  [
    'a body that ends before its last chunk',
    /^HTTP\/1\.1 400|^$/,
    endsEarly('transfer-encoding: chunked', '5\r\nshort\r\n'),
  ],
];

/** Messages of a verification, one after the other in one session; the outcome is the last answer. */
const verify =
  (...messages: (string | Buffer)[]): Attack =>
  async (target) =>
    target.raw(
      async (client) => {
        const session = await openHttp2(target, client);
        let outcome = '';
        for (const body of messages) outcome = await ask(session, { path: '/session/verify', body });
        return outcome;
      },
      await target.newcomer(),
    );

const nonce = 'abcdefghijklmnopqrstuvwx';
const first = `p=tls-exporter,,n=abcdefgh2345,r=${nonce}`;
const final = `c=${Buffer.alloc(48, 1).toString('base64')},r=${nonce}x,p=${Buffer.alloc(32).toString('base64')}`;
const failed = /^403 verification_failed$/;

export const verificationCases: readonly AttackCase[] = [
  ['a first message of a token that is not there', /^200$/, verify(first)],
  ['a proof before the first message', failed, verify(final)],
  ['a first message twice', failed, verify(first, first)],
  ['nothing', failed, verify('')],
  ['bytes that are no text', failed, verify(Buffer.from([0xff, 0xfe, 0]))],
  ['no channel binding', failed, verify(first.replace('p=tls-exporter', 'n'))],
  ['a channel binding that is not wanted', failed, verify(first.replace('p=tls-exporter', 'y'))],
  ['another channel binding', failed, verify(first.replace('tls-exporter', 'tls-unique'))],
  ['a mandatory extension', failed, verify(first.replace(',,n', ',,m=x,n'))],
  ['somebody else as the one who acts', failed, verify(first.replace(',,', ',a=superadmin,'))],
  [
    'a nonce of 100 characters of which none is allowed',
    failed,
    verify(first.replace(nonce, '\u0001'.repeat(100))),
  ],
  [
    'a message of 1 MiB',
    /^(413 rpc_too_large|403 verification_failed|reset \d)/,
    verify('p'.repeat(1024 * 1024)),
  ],
  ['a proof of another exchange', failed, verify(first, final)],
  [
    'eight exchanges at once in one session',
    /^200 verification_failed$/,
    async (target) =>
      target.raw(
        async (client) => {
          const session = await openHttp2(target, client);
          const all = Array.from({ length: 8 }, () => ask(session, { path: '/session/verify', body: first }));
          const outcomes = new Set((await Promise.all(all)).map((outcome) => outcome.replace(/^4\d\d /, '')));
          const next = await ask(session, { path: '/rpc/capabilities' });
          return next === '200' ? [...outcomes].sort().join(' ') : next;
        },
        await target.newcomer(),
      ),
  ],
  [
    'a verification in the clear',
    /^(403|404)/,
    (target) =>
      target.raw(async (client) => {
        const plain = await client.open('plain', target.serviceId);
        return String((await post(plain, '/session/verify', first)).status);
      }),
  ],
];

/** Gives false proofs, one after the other, until `session` ends; `told` is called for each that was refused. */
export async function guess(session: ClientHttp2Session, told: () => void): Promise<void> {
  while (!session.destroyed) {
    void ask(session, { path: '/session/verify', body: first });
    const outcome = await ask(session, { path: '/session/verify', body: final });
    if (/^(403|429) /.test(outcome)) told();
  }
}
