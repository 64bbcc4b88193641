// No session is ever resumed: each connection has keys of its own (forward secrecy), whoever asks.
// OpenSSL may still send a NewSessionTicket where SSL_OP_NO_TICKET is set; then it must open nothing.
import { duplexPair, type Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { TLSSocket, connect, createSecureContext, type ConnectionOptions } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { makeTestCertificate } from '../testing/test-certificate.ts';
import { openTunnelPair } from '../testing/tunnel-pair.ts';
import { clientSecureContext, serverTlsOptions } from './tls-options.ts';
import { startServerTls } from './tunnel.ts';

const service = makeTestCertificate();
const serving = serverTlsOptions(service);

/** Our server, after its handshake sending a byte, so that tickets have arrived before it does. */
async function ours(stream: Duplex): Promise<void> {
  (await startServerTls(stream, serving)).write('.');
}

/** A server that resumes: shows that the client of these tests would notice. */
async function lax(stream: Duplex): Promise<void> {
  const socket = new TLSSocket(stream, { isServer: true, secureContext: laxContext });
  await new Promise((resolve) => socket.once('secure', resolve));
  socket.write('.');
}
const laxContext = createSecureContext({ cert: service.cert, key: service.key });

/** Connects, waits for a byte, and returns what a thief would take along. */
async function visit(server: typeof ours, options: ConnectionOptions) {
  const [near, far] = duplexPair();
  const serving = server(far);
  const socket = connect({ socket: near, rejectUnauthorized: false, ALPNProtocols: ['h2'], ...options });
  const sessions: Buffer[] = [];
  socket.on('session', (session) => sessions.push(session));
  await new Promise((resolve) => socket.once('data', resolve));
  await serving;
  await sleep(5);
  const last = socket.getSession();
  if (last !== undefined) sessions.push(last);
  const isReused = socket.isSessionReused();
  socket.destroy();
  far.destroy();
  return { sessions, isReused };
}

describe('session resumption', () => {
  it.each<[string, ConnectionOptions]>([
    ['with our own TLS options', { secureContext: clientSecureContext() }],
    ['of another make', {}],
    ['of another make that offers TLS 1.2 too', { minVersion: 'TLSv1.2' }],
  ])('fails for a client %s that hands in every session it captured', async (_name, options) => {
    const { sessions } = await visit(ours, options);
    expect(sessions).not.toHaveLength(0);
    for (const session of sessions) {
      expect((await visit(ours, { ...options, session })).isReused).toBe(false);
    }
  });

  it('would be seen by this test: a server with tickets resumes', async () => {
    const { sessions } = await visit(lax, {});
    const outcomes = await Promise.all(sessions.map((session) => visit(lax, { session })));
    expect(outcomes.some(({ isReused }) => isReused)).toBe(true);
  });

  it('is not attempted by our client, even with a server that would resume', async () => {
    const pairs = [await openTunnelPair({ serving: lenient }), await openTunnelPair({ serving: lenient })];
    for (const { client, service: accepted, close } of pairs) {
      expect([client.socket.isSessionReused(), accepted.isSessionReused()]).toEqual([false, false]);
      close();
    }
  });
});

const lenient = { secureContext: laxContext };
