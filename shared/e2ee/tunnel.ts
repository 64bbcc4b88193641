// TLS 1.3 inside any Duplex: the service is the TLS server, the client the TLS client (RFC 8446).
// The client checks the service's certificate by its fingerprint before one byte but the handshake has left.
// Must never send or deliver application data on a connection that was not checked, never fall back to
// anything weaker, and never let an error on a tunnel reach the process unhandled.
import type { Duplex } from 'node:stream';
import { TLSSocket, connect } from 'node:tls';
import { GatehouseError, asGatehouseError } from '../contracts/errors.ts';
import { parseFingerprint } from '../contracts/fingerprint.ts';
import { finishWritesAtOnce } from './fast-stream-socket.ts';
import { certificateSha256, sameFingerprint } from './fingerprint.ts';
import {
  SERVER_ALPN,
  checkedTimeout,
  clientSecureContext,
  type Alpn,
  type ServerTlsOptions,
} from './tls-options.ts';

export interface ClientTlsOptions {
  /** The SHA-256 of the certificate that is expected, in any form that `parseFingerprint` takes. */
  readonly fingerprint?: string | undefined;
  /** What to speak inside, most wanted first. */
  readonly alpn: readonly Alpn[];
  /** See `HANDSHAKE_TIMEOUT_MS`. */
  readonly timeoutMs?: number | undefined;
}

export interface ServerTlsStart extends ServerTlsOptions {
  /** Called before it throws where the client closed the connection when it had got the certificate. */
  readonly onClosedAtCertificate?: (() => void) | undefined;
  /** See `HANDSHAKE_TIMEOUT_MS`. */
  readonly timeoutMs?: number | undefined;
}

/** An open TLS connection to a service. Who asked for it destroys `socket`. */
export interface TunnelSession {
  readonly socket: TLSSocket;
  /** The leaf that the service presented, and has proved to hold the key of. */
  readonly certificate: { readonly sha256: string; readonly pem: string };
  readonly tlsVersion: 'TLSv1.3';
  /** The cipher suite's standard name, as `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string;
  readonly alpn: Alpn;
  /** `none`: nobody has said whose certificate this should be. */
  readonly verifiedBy: 'fingerprint' | 'none';
}

/**
 * Handshakes over `duplex`, which is destroyed on failure. Throws `fingerprint_mismatch`,
 * `fingerprint_invalid` and `usage` (both before anything is sent), `e2ee_handshake_failed`, or the
 * GatehouseError that `duplex` itself ended with.
 */
export async function startClientTls(duplex: Duplex, options: ClientTlsOptions): Promise<TunnelSession> {
  const expected = options.fingerprint === undefined ? null : parseFingerprint(options.fingerprint);
  const timeoutMs = checkedTimeout(options.timeoutMs);
  checkUsable(duplex);
  const socket = connect({
    socket: duplex,
    secureContext: clientSecureContext(),
    ALPNProtocols: [...options.alpn],
    rejectUnauthorized: false, // trust is decided by checkFingerprint() alone
    checkServerIdentity: () => undefined,
  });
  finishWritesAtOnce(socket, duplex);
  await handshake(socket, duplex, timeoutMs);
  try {
    return describe(socket, expected, options.alpn);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/**
 * Answers a handshake over `duplex`, which is destroyed on failure, and resolves when it is complete.
 * Throws `usage`, `e2ee_handshake_failed`, or the GatehouseError that `duplex` itself ended with.
 */
export async function startServerTls(duplex: Duplex, options: ServerTlsStart): Promise<TLSSocket> {
  const timeoutMs = checkedTimeout(options.timeoutMs);
  checkUsable(duplex);
  // Looked at before TLS hears of the end, which forgets it. The cipher is chosen in the flight that has the certificate.
  let answered = false;
  const look = (): void => {
    const cipher: { readonly name?: string } | undefined = socket.getCipher();
    answered ||= cipher?.name !== undefined;
  };
  for (const end of ['end', 'error', 'close']) duplex.once(end, look);
  const socket = new TLSSocket(duplex, {
    isServer: true,
    secureContext: options.secureContext,
    ALPNProtocols: [...SERVER_ALPN],
  });
  finishWritesAtOnce(socket, duplex);
  await handshake(socket, duplex, timeoutMs, (reason) => {
    if (answered && isClosedByPeer(reason)) options.onClosedAtCertificate?.();
  });
  // Without a tls.Server nobody else says so, and node:http2 would wait for it for ever.
  Object.assign(socket, { secureConnecting: false });
  return socket;
}

/**
 * 32 bytes that both ends of this TLS connection share and nobody else can make: RFC 9266's tls-exporter.
 * Throws `session_ended` where the connection is not open.
 */
export function channelBinding(socket: TLSSocket): Buffer {
  try {
    return socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
  } catch (cause) {
    const message = 'The encrypted session ended before it could be verified. Connect again.';
    throw new GatehouseError('session_ended', message, { cause });
  }
}

function checkUsable(duplex: Duplex): void {
  if (!duplex.destroyed && duplex.writable && duplex.readable) return;
  throw handshakeFailed(duplex.errored ?? new Error('the stream was closed'));
}

/** Resolves on `secure`, which both roles emit once the peer's Finished has been checked. */
function handshake(
  socket: TLSSocket,
  duplex: Duplex,
  timeoutMs: number,
  onFailure: (reason: unknown) => void = () => undefined,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const fail = (cause: unknown): void => {
      clearTimeout(timer);
      const reason: unknown = duplex.errored instanceof GatehouseError ? duplex.errored : cause;
      if (!isOver) onFailure(reason);
      isOver = true;
      socket.destroy();
      duplex.destroy();
      reject(handshakeFailed(reason));
    };
    const giveUp = (): void => {
      fail(new Error(`no answer within ${String(timeoutMs)} ms`));
    };
    const timer = setTimeout(giveUp, timeoutMs);
    const onEnd = (): void => {
      fail(new ClosedByPeer('the connection was closed'));
    };
    // These stay for good: who uses the socket learns of its end by 'close', and no error is left unhandled.
    socket.on('error', fail);
    socket.on('_tlsError', fail); // a TLSSocket in the server role without a tls.Server has no other event
    socket.once('close', onEnd);
    duplex.once('end', onEnd);
    socket.once('secure', () => {
      isOver = true;
      clearTimeout(timer);
      duplex.off('end', onEnd);
      resolve();
    });
  });
}

class ClosedByPeer extends Error {}

function isClosedByPeer(reason: unknown): boolean {
  if (reason instanceof GatehouseError) return reason.code === 'stream_reset';
  const isReset = reason instanceof Error && 'code' in reason && reason.code === 'ECONNRESET';
  return reason instanceof ClosedByPeer || isReset;
}

function describe(socket: TLSSocket, expected: string | null, offered: readonly Alpn[]): TunnelSession {
  const leaf = socket.getPeerX509Certificate();
  const tlsVersion = socket.getProtocol();
  const alpn = offered.find((name) => name === socket.alpnProtocol);
  if (leaf === undefined || tlsVersion !== 'TLSv1.3' || alpn === undefined || socket.isSessionReused()) {
    throw handshakeFailed(new Error('the service negotiated something that was not offered'));
  }
  const sha256 = certificateSha256(leaf.raw);
  checkFingerprint(expected, sha256);
  return {
    socket,
    certificate: { sha256, pem: leaf.toString() },
    tlsVersion,
    cipher: socket.getCipher().standardName,
    alpn,
    verifiedBy: expected === null ? 'none' : 'fingerprint',
  };
}

function checkFingerprint(expected: string | null, offered: string): void {
  if (expected === null || sameFingerprint(expected, offered)) return;
  const message =
    `The service's certificate has fingerprint ${offered}, and ${expected} was expected. Nothing was sent. ` +
    'Somebody may be intercepting the connection, or the certificate was renewed. Never paste the fingerprint ' +
    "that was offered: the right one comes from the service's administrator alone.";
  throw new GatehouseError('fingerprint_mismatch', message, { details: { expected, offered } });
}

function handshakeFailed(cause: unknown): GatehouseError {
  return asGatehouseError(
    cause,
    'e2ee_handshake_failed',
    'The TLS handshake inside the connection failed; nothing was sent without encryption. Try again, and ' +
      'tell the administrator of the service if it goes on.',
  );
}
