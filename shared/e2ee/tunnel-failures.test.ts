// Every way in which a handshake or an open tunnel fails, in both roles: always by a coded error, the streams
// closed, and nothing thrown where nobody can catch it.
import { X509Certificate } from 'node:crypto';
import { Duplex, Transform, duplexPair } from 'node:stream';
import { TLSSocket, connect, createSecureContext, type ConnectionOptions } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { GatehouseError } from '../contracts/errors.ts';
import { makeTestCertificate } from '../testing/test-certificate.ts';
import { serverTlsOptions } from './tls-options.ts';
import { startClientTls, startServerTls } from './tunnel.ts';

const service = makeTestCertificate('service');
const serving = serverTlsOptions(service);
const right = new X509Certificate(service.cert).fingerprint256;
const opened: Duplex[] = [];

afterEach(() => {
  for (const stream of opened.splice(0)) stream.destroy();
});

function pair(): [Duplex, Duplex] {
  const sides = duplexPair();
  opened.push(...sides);
  for (const side of sides) side.on('error', () => undefined);
  return sides;
}

/** What `promise` was refused with. */
async function refusal(promise: Promise<unknown>): Promise<GatehouseError> {
  const outcome: unknown = await promise.then(
    () => 'resolved',
    (error: unknown) => error,
  );
  if (outcome instanceof GatehouseError) return outcome;
  throw new Error(`no GatehouseError: ${String(outcome)}`);
}

/** Flips one bit of byte `at` of all that the server sends. */
function flipper(at: number): Transform {
  let seen = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const copy = Buffer.from(chunk);
      const index = at - seen;
      if (index >= 0 && index < copy.length) copy[index] = (copy[index] ?? 0) ^ 1;
      seen += chunk.length;
      done(null, copy);
    },
  });
}

/** A client whose incoming bytes pass through `change`. */
async function openThrough(change: Transform): Promise<unknown> {
  const [near, far] = pair();
  const accepting = startServerTls(far, serving);
  accepting.catch(() => undefined);
  near.pipe(change);
  const tampered = Duplex.from({ readable: change, writable: near });
  tampered.on('error', () => undefined);
  opened.push(tampered, change);
  return startClientTls(tampered, { alpn: ['h2'], fingerprint: right, timeoutMs: 2000 });
}

describe('a failing handshake', () => {
  const flips = Array.from({ length: 12 }, (_, index) => index * 100 + 7);
  it.each(flips)('ends when byte %i of the server flight is changed', async (at) => {
    expect((await refusal(openThrough(flipper(at)))).code).toBe('e2ee_handshake_failed');
  });

  it.each([
    ['plain HTTP', 'GET / HTTP/1.1\r\n\r\n'],
    ['zeros', '\0'.repeat(64)],
    ['a TLS 1.0 record of garbage', '\x16\x03\x01\x00\x05hello'],
    ['a record longer than allowed', '\x16\x03\x01\xff\xff' + 'x'.repeat(100)],
    ['nothing, then the end', ''],
  ])('refuses %s at both ends', async (_name, bytes) => {
    const [toServer, server] = pair();
    const atServer = refusal(startServerTls(server, { ...serving, timeoutMs: 500 }));
    const [toClient, client] = pair();
    const atClient = refusal(startClientTls(client, { alpn: ['h2'], timeoutMs: 500 }));
    toServer.end(Buffer.from(bytes, 'latin1'));
    toClient.end(Buffer.from(bytes, 'latin1'));
    expect((await atServer).code).toBe('e2ee_handshake_failed');
    expect((await atClient).code).toBe('e2ee_handshake_failed');
    expect([server.destroyed, client.destroyed]).toEqual([true, true]);
  });

  it('gives up after its time-out, in both roles', async () => {
    const [client, server] = [pair()[0], pair()[0]];
    const outcomes = await Promise.all([
      refusal(startClientTls(client, { alpn: ['h2'], timeoutMs: 30 })),
      refusal(startServerTls(server, { ...serving, timeoutMs: 30 })),
    ]);
    for (const error of outcomes) expect(error).toMatchObject({ code: 'e2ee_handshake_failed' });
    expect(outcomes[0].message).toContain('no answer within 30 ms');
    expect([client.destroyed, server.destroyed]).toEqual([true, true]);
  });

  it.each([0, -1, 1.5, Number.NaN, 120_001])('refuses a time-out of %d ms', async (timeoutMs) => {
    const error = await refusal(startClientTls(pair()[0], { alpn: ['h2'], timeoutMs }));
    expect(error.code).toBe('usage');
  });

  it('passes on the coded error that the stream itself ended with, in both roles', async () => {
    const offline = new GatehouseError('service_offline', 'Not there.');
    const [client, server] = [pair()[0], pair()[0]];
    const outcomes = [startClientTls(client, { alpn: ['h2'] }), startServerTls(server, serving)].map(refusal);
    client.destroy(offline);
    server.destroy(offline);
    expect(await Promise.all(outcomes)).toEqual([offline, offline]);
    expect(await refusal(startClientTls(client, { alpn: ['h2'] }))).toBe(offline);
  });

  it('refuses a stream that is closed already', async () => {
    const [near] = pair();
    near.destroy();
    expect((await refusal(startServerTls(near, serving))).code).toBe('e2ee_handshake_failed');
  });

  it.each<[string, ConnectionOptions]>([
    ['TLS 1.2', { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }],
    ['a protocol that the service does not speak', { ALPNProtocols: ['smtp'] }],
  ])('refuses a client that offers only %s', async (_name, options) => {
    const [near, far] = pair();
    const client = connect({ socket: near, rejectUnauthorized: false, ...options });
    client.on('error', () => undefined);
    expect((await refusal(startServerTls(far, serving))).code).toBe('e2ee_handshake_failed');
  });

  it.each<[string, { maxVersion?: 'TLSv1.2'; ALPNProtocols?: string[] }]>([
    ['TLS 1.2', { maxVersion: 'TLSv1.2', ALPNProtocols: ['h2'] }],
    ['no application protocol', {}],
  ])('refuses a server that speaks %s', async (_name, options) => {
    const [near, far] = pair();
    const secureContext = createSecureContext({ cert: service.cert, key: service.key, ...options });
    const server = new TLSSocket(far, { isServer: true, secureContext, ...options });
    server.on('error', () => undefined);
    const error = await refusal(startClientTls(near, { alpn: ['h2'], fingerprint: right }));
    expect(error.code).toBe('e2ee_handshake_failed');
  });
});

describe('an open tunnel', () => {
  it.each(['client', 'service'] as const)('ends at once when its %s receives garbage', async (role) => {
    const [near, far] = pair();
    const accepting = startServerTls(far, serving);
    const session = await startClientTls(near, { alpn: ['h2'] });
    const accepted = await accepting;
    const [victim, raw] = role === 'client' ? [session.socket, far] : [accepted, near];
    const closed = new Promise((resolve) => victim.once('close', resolve));
    victim.resume();
    raw.write(Buffer.concat([Buffer.from([0x17, 3, 3, 0, 40]), Buffer.alloc(40)]));
    await closed;
    expect(victim.destroyed).toBe(true);
  });

  it('survives an error of its stream without an unhandled event', async () => {
    const [near, far] = pair();
    const accepting = startServerTls(far, serving);
    const session = await startClientTls(near, { alpn: ['h2'] });
    await accepting;
    const closed = new Promise((resolve) => session.socket.once('close', resolve));
    near.destroy(new Error('the wire broke'));
    await closed;
    expect(session.socket.destroyed).toBe(true);
  });
});
