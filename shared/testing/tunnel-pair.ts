// Both ends of one E2EE tunnel in memory, for tests of what runs inside it.
// Must never be given a real certificate.
import { duplexPair, type Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { serverTlsOptions, type Alpn, type ServerTlsOptions } from '../e2ee/tls-options.ts';
import { startClientTls, startServerTls, type TunnelSession } from '../e2ee/tunnel.ts';
import { makeTestCertificate } from './test-certificate.ts';

export interface TunnelPair {
  readonly client: TunnelSession;
  readonly service: TLSSocket;
  /** The streams below TLS, at the client and at the service. */
  readonly near: Duplex;
  readonly far: Duplex;
  /** Ends everything; who opened the pair calls it. */
  readonly close: () => void;
}

export interface TunnelPairOptions {
  readonly serving?: ServerTlsOptions;
  readonly streams?: readonly [Duplex, Duplex];
  readonly alpn?: readonly Alpn[];
}

/** Opens a tunnel whose client verifies nothing. */
export async function openTunnelPair(options: TunnelPairOptions = {}): Promise<TunnelPair> {
  const [near, far] = options.streams ?? duplexPair();
  const serving = options.serving ?? serverTlsOptions(makeTestCertificate());
  const [service, client] = await Promise.all([
    startServerTls(far, serving),
    startClientTls(near, { alpn: options.alpn ?? ['h2', 'http/1.1'] }),
  ]);
  const close = (): void => {
    for (const stream of [client.socket, service, near, far]) stream.destroy();
  };
  return { client, service, near, far, close };
}
