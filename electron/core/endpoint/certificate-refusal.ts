// Whether a client refused our certificate: by a TLS alert (RFC 8446 section 6.2), or by closing the connection right
// after the handshake without a word, as one does that compares fingerprints then. A lost connection is no refusal.
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { GatehouseError } from '../../../shared/contracts/errors.ts';

/** As OpenSSL and BoringSSL name them in their error codes, each with a prefix of its own. */
const alert = /ALERT_(?:BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|ACCESS_DENIED)$/;

/** A client that has said nothing for so long does not close because of the certificate, in milliseconds. */
const refusalWithinMs = 10_000;

/** Whether the handshake failed because the client said that it does not take the certificate. */
export function isRefusalAlert({ cause }: GatehouseError): boolean {
  return cause instanceof Error && 'code' in cause && alert.test(String(cause.code));
}

/** Whether the client closed `socket`, which stood since `since` (performance.now), and sent nothing on it. */
export function isSilentClose(socket: TLSSocket, below: Duplex, since: number): boolean {
  const wasLost = below.errored instanceof GatehouseError && below.errored.code !== 'stream_reset';
  return !wasLost && socket.bytesRead === 0 && performance.now() - since < refusalWithinMs;
}

export function closedAtCertificate(): GatehouseError {
  return new GatehouseError(
    'e2ee_handshake_failed',
    'The client closed the connection when it had seen the certificate: it may have another fingerprint.',
  );
}
