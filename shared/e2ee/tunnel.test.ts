// TLS inside a stream: what is negotiated, and whom the client trusts.
import { X509Certificate } from 'node:crypto';
import http2 from 'node:http2';
import { duplexPair, type Duplex } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { GatehouseError } from '../contracts/errors.ts';
import { makeTestCertificate } from '../testing/test-certificate.ts';
import { serverTlsOptions } from './tls-options.ts';
import { channelBinding, startClientTls, startServerTls, type ClientTlsOptions } from './tunnel.ts';

const service = makeTestCertificate('service');
const impostor = makeTestCertificate('impostor');
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

async function open(options: ClientTlsOptions = { alpn: ['h2', 'http/1.1'] }, server = serving) {
  const [near, far] = pair();
  const accepting = startServerTls(far, server);
  accepting.catch(() => undefined);
  const session = await startClientTls(near, options);
  return { session, accepted: await accepting };
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

describe('a tunnel', () => {
  it('speaks TLS 1.3, prefers h2, and describes itself', async () => {
    const { session, accepted } = await open({ alpn: ['h2', 'http/1.1'], fingerprint: right });
    expect(session).toMatchObject({ tlsVersion: 'TLSv1.3', alpn: 'h2', verifiedBy: 'fingerprint' });
    expect(session.cipher).toMatch(/^TLS_/);
    expect(session.certificate.pem).toBe(service.cert);
    expect(accepted.alpnProtocol).toBe('h2');
    expect(accepted.getProtocol()).toBe('TLSv1.3');
  });

  it('speaks HTTP/1.1 where that alone is offered', async () => {
    const { session } = await open({ alpn: ['http/1.1'] });
    expect(session.alpn).toBe('http/1.1');
    expect(session.verifiedBy).toBe('none');
  });

  it('names no server in its ClientHello', async () => {
    const { accepted } = await open();
    expect(accepted.servername).toBeFalsy();
  });

  it('carries bytes both ways', async () => {
    const { session, accepted } = await open();
    accepted.pipe(accepted);
    session.socket.end('there and back');
    expect(Buffer.concat(await session.socket.toArray()).toString()).toBe('there and back');
  });

  it('carries HTTP/2 by node:http2 at both ends', async () => {
    const { session, accepted } = await open({ alpn: ['h2'] });
    http2.performServerHandshake(accepted).on('stream', (stream) => {
      stream.respond({ ':status': 200 });
      stream.end('answer');
    });
    const client = http2.connect('http://service', { createConnection: () => session.socket });
    const body = await client.request({ ':path': '/' }).toArray();
    expect(Buffer.concat(body as Buffer[]).toString()).toBe('answer');
    client.destroy();
  });

  it('exports the same 32 bytes at both ends, and others for each connection', async () => {
    const [first, second] = [await open(), await open()];
    const binding = channelBinding(first.session.socket);
    expect(binding).toHaveLength(32);
    expect(channelBinding(first.accepted)).toEqual(binding);
    expect(channelBinding(second.session.socket)).not.toEqual(binding);
  });

  it('refuses to export once it is closed', async () => {
    const { session } = await open();
    session.socket.destroy();
    await new Promise((resolve) => session.socket.once('close', resolve));
    expect(() => channelBinding(session.socket)).toThrow(expect.objectContaining({ code: 'session_ended' }));
  });

  it('serves with a new certificate by new options, and leaves open sessions alone', async () => {
    const before = await open({ alpn: ['h2'], fingerprint: right });
    const renewed = makeTestCertificate('service');
    const after = await open({ alpn: ['h2'] }, serverTlsOptions(renewed));
    expect(after.session.certificate.pem).toBe(renewed.cert);
    expect(before.session.socket.destroyed).toBe(false);
  });

  it('refuses a certificate with the key of another', () => {
    const make = () => serverTlsOptions({ cert: service.cert, key: impostor.key });
    expect(make).toThrow(expect.objectContaining({ code: 'certificate_unsupported' }));
  });
});

describe('the fingerprint check', () => {
  it('refuses another certificate, names both, and says never to paste the one offered', async () => {
    const [near, far] = pair();
    const accepting = startServerTls(far, serverTlsOptions(impostor));
    accepting.catch(() => undefined);
    const error = await refusal(startClientTls(near, { alpn: ['h2'], fingerprint: right }));
    expect(error.code).toBe('fingerprint_mismatch');
    const offered = new X509Certificate(impostor.cert).fingerprint256.replaceAll(':', '').toLowerCase();
    expect(error.details).toEqual({ expected: right.replaceAll(':', '').toLowerCase(), offered });
    expect(error.message).toMatch(/Never paste the fingerprint .*administrator alone/s);
    expect(near.destroyed).toBe(true);
  });

  it('lets nothing but the handshake reach an impostor', async () => {
    const [near, far] = pair();
    const received: Buffer[] = [];
    const accepting = startServerTls(far, serverTlsOptions(impostor)).then((socket) => {
      socket.on('data', (chunk: Buffer) => received.push(chunk));
      return new Promise((resolve) => socket.once('close', resolve));
    });
    await refusal(startClientTls(near, { alpn: ['h2'], fingerprint: right }));
    far.destroy();
    await accepting.catch(() => undefined);
    expect(received).toEqual([]);
  });

  it.each(['', ' ', 'zz', right.slice(3)])('sends nothing at all when given %j', async (fingerprint) => {
    const [near, far] = pair();
    const error = await refusal(startClientTls(near, { alpn: ['h2'], fingerprint }));
    expect(error.code).toBe('fingerprint_invalid');
    expect(far.readableLength).toBe(0);
  });
});
