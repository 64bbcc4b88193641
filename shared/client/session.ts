// A session with one service: TLS inside a stream of the relay, or a plain stream, with HTTP on it.
// Nothing but the handshake leaves before the fingerprint has matched: startClientTls sees to that, and no
// HTTP is started before it has returned.
import { asGatehouseError, GatehouseError } from '../contracts/errors.ts';
import type { AccessToken } from '../e2ee/access-token.ts';
import { channelBinding, startClientTls } from '../e2ee/tunnel.ts';
import type { TunnelSession } from '../e2ee/tunnel.ts';
import { ended } from './broken-off.ts';
import type { Connection } from './connection.ts';
import type { PlaintextReason, SessionFacts } from './e2ee-information.ts';
import { H1Connection } from './h1-connection.ts';
import { H2Connection } from './h2-connection.ts';
import type { ClientTimeouts } from './limits.ts';
import type { OpenedStream } from './relay-connection.ts';
import { verifySession } from './verification.ts';
import { cancelled } from './whole-exchange.ts';

/** Where streams come from: the relay. */
export interface StreamSource {
  openStream(kind: 'e2ee' | 'plain', serviceId: string, signal?: AbortSignal): Promise<OpenedStream>;
}

export interface E2eeSessionOptions {
  readonly serviceId: string;
  /** As `parseFingerprint` gives it; null checks nothing. */
  readonly fingerprint: string | null;
  /** Whether HTTP/2 may be spoken. */
  readonly h2: boolean;
  readonly timeouts: ClientTimeouts;
  readonly signal?: AbortSignal | undefined;
}

export class Session {
  readonly facts: SessionFacts;
  readonly h2: boolean;
  readonly connection: Connection;
  readonly #channelBinding: Buffer | null;
  #verified = false;

  constructor(facts: SessionFacts, h2: boolean, connection: Connection, binding: Buffer | null) {
    this.facts = facts;
    this.h2 = h2;
    this.connection = connection;
    this.#channelBinding = binding;
  }

  /** Both ends have proved the access token to each other. */
  get verified(): boolean {
    return this.#verified;
  }

  get usable(): boolean {
    return this.connection.usable;
  }

  /** @throws GatehouseError as `verifySession` does; the session must not be used then */
  async verify(token: AccessToken, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (this.#channelBinding === null) return;
    const binding = this.#channelBinding;
    await verifySession({ connection: this.connection, channelBinding: binding, token, timeoutMs, signal });
    this.#verified = true;
  }

  close(): void {
    this.connection.close();
  }
}

/** @throws GatehouseError `fingerprint_mismatch`, `e2ee_handshake_failed`, or why no stream could be had */
export async function openE2eeSession(source: StreamSource, options: E2eeSessionOptions): Promise<Session> {
  const { serviceId, fingerprint, h2, timeouts, signal } = options;
  const { duplex, clientId, domainName } = await source.openStream('e2ee', serviceId, signal);
  const onAbort = (): void => {
    duplex.destroy(cancelled());
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  const tunnel = await startClientTls(duplex, {
    fingerprint: fingerprint ?? undefined,
    alpn: h2 ? ['h2', 'http/1.1'] : ['http/1.1'],
    timeoutMs: timeouts.handshakeMs,
  })
    .catch((error: unknown) => {
      throw errorOfHandshake(asGatehouseError(error));
    })
    .finally(() => signal?.removeEventListener('abort', onAbort));
  const facts = { clientId, serviceId, domainName, tls: tlsFacts(tunnel), plaintextReason: null };
  const isH2 = tunnel.alpn === 'h2';
  const binding = channelBinding(tunnel.socket);
  const connection = isH2 ? new H2Connection(tunnel.socket) : new H1Connection(tunnel.socket, true);
  return new Session(facts, isH2, connection, binding);
}

/** A session for a single request that the relay can read. */
export async function openPlainSession(
  source: StreamSource,
  serviceId: string,
  plaintextReason: PlaintextReason,
  signal?: AbortSignal,
): Promise<Session> {
  const { duplex, clientId, domainName } = await source.openStream('plain', serviceId, signal);
  const facts = { clientId, serviceId, domainName, tls: null, plaintextReason };
  return new Session(facts, false, new H1Connection(duplex, false), null);
}

/** The connection's own end, in words that say what it ended. */
function errorOfHandshake(error: GatehouseError): GatehouseError {
  if (error.code === 'stream_reset') {
    const message =
      'The connection was closed during the TLS handshake; nothing was sent without encryption. Try again, and ' +
      'tell the administrator of the service if it goes on.';
    return new GatehouseError('e2ee_handshake_failed', message, { cause: error });
  }
  return error.code === 'wire_closed' || error.code === 'keepalive_timeout' ? ended(error) : error;
}

function tlsFacts({ certificate, tlsVersion, cipher, verifiedBy }: TunnelSession): SessionFacts['tls'] {
  return { sha256: certificate.sha256, pem: certificate.pem, tlsVersion, cipher, verifiedBy };
}
