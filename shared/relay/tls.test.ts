// The relay with a certificate of its own.
import { request } from 'node:https';
import { connect } from 'node:tls';
import type { SecureVersion } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { connectClient, connectService, firstAnswer, startTestRelay } from '../testing/relay-peers.ts';
import { makeTestCertificate } from '../testing/test-certificate.ts';

describe('TLS', () => {
  it('carries everything over wss with the certificate given, and speaks no plain HTTP', async () => {
    const { cert, key } = makeTestCertificate('localhost');
    const tls = await startTestRelay({
      tls: { cert, key },
      open: true,
      listen: { host: 'localhost', port: 0 },
    });
    expect(tls.url.protocol).toBe('wss:');
    const service = await connectService(tls.url, { ca: cert });
    const client = await connectClient(tls.url, undefined, cert);
    expect(await firstAnswer(client, { v: 1, kind: 'e2ee', serviceId: service.name })).toMatchObject({
      v: 1,
    });
    const status = await new Promise((resolve, reject) => {
      const options = { ca: cert, port: tls.url.port, host: 'localhost', path: '/healthz' };
      request(options, (response) => resolve(response.statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
    await tls.stop();
  });

  it.each<[SecureVersion, string]>([
    ['TLSv1.1', 'refused'],
    ['TLSv1.2', 'TLSv1.2'],
    ['TLSv1.3', 'TLSv1.3'],
  ])('„TLS 1.2+“: of version %s at most is %s', async (maxVersion, outcome) => {
    const { cert, key } = makeTestCertificate('localhost');
    const listen = { host: 'localhost', port: 0 };
    const relay = await startTestRelay({ tls: { cert, key }, open: true, listen });
    // At its own security level OpenSSL would not even offer the old version.
    const offer = { minVersion: 'TLSv1', maxVersion, ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const socket = connect({ host: 'localhost', port: Number(relay.url.port), ca: cert, ...offer });
    const ended = await new Promise((resolve) => {
      socket.once('secureConnect', () => resolve(socket.getProtocol()));
      socket.once('error', () => resolve('refused'));
    });
    socket.destroy();
    expect(ended).toBe(outcome);
    await relay.stop();
  });

  it.each([
    ['a certificate that is none', { cert: 'nonsense' }],
    ['a key that is none', { key: 'nonsense' }],
    ['a key of another certificate', { key: makeTestCertificate('localhost').key }],
  ])('does not start with %s', async (_name, wrong) => {
    const { cert, key } = makeTestCertificate('localhost');
    const starting = startTestRelay({ tls: { cert, key, ...wrong } });
    await expect(starting).rejects.toMatchObject({ code: 'usage' });
  });
});
