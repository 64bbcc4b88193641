// What TLS inside a stream is allowed to be, at both ends: TLS 1.3, fresh keys each time, nothing to resume.
// Written for OpenSSL (Node) and BoringSSL (Electron) alike: versions in code, no cipher names.
// Must never load a trust store: trust in a service comes from its fingerprint alone.
import { constants } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { GatehouseError } from '../contracts/errors.ts';

/** What the service serves inside TLS, most wanted first. */
export const SERVER_ALPN = ['h2', 'http/1.1'] as const;
export type Alpn = (typeof SERVER_ALPN)[number];

/** How long a handshake may take, in milliseconds. */
export const HANDSHAKE_TIMEOUT_MS = { default: 10_000, min: 1, max: 120_000 } as const;

/** A service's certificate and its private key. */
export interface TlsIdentity {
  /** PEM; a chain's other certificates may follow the leaf. */
  readonly cert: string;
  /** PEM, not encrypted. */
  readonly key: string;
}

/** Made once for a certificate and used for every connection until the certificate changes. */
export interface ServerTlsOptions {
  readonly secureContext: SecureContext;
}

const POST_QUANTUM_CURVES = 'X25519MLKEM768:X25519:P-256';
const CLASSICAL_CURVES = 'X25519:P-256';

let clientContext: SecureContext | null = null;
let curves: string | null = null;

/** Options for `startServerTls`. Throws `certificate_unsupported` where TLS cannot serve the pair. */
export function serverTlsOptions(identity: TlsIdentity): ServerTlsOptions {
  const options = { ...commonOptions(), cert: identity.cert, key: identity.key };
  try {
    return { secureContext: createSecureContext(options) };
  } catch (cause) {
    const message =
      'TLS cannot serve this certificate and key together. Renew the certificate, or import another one.';
    throw new GatehouseError('certificate_unsupported', message, { cause });
  }
}

/** The one context of all client connections: it holds no certificate and trusts none. */
export function clientSecureContext(): SecureContext {
  clientContext ??= createSecureContext({ ...commonOptions(), ca: [] });
  return clientContext;
}

/** `timeoutMs` if it is within bounds. Throws `usage`. */
export function checkedTimeout(timeoutMs: number = HANDSHAKE_TIMEOUT_MS.default): number {
  const { min, max } = HANDSHAKE_TIMEOUT_MS;
  if (Number.isInteger(timeoutMs) && timeoutMs >= min && timeoutMs <= max) return timeoutMs;
  const message = `A handshake time-out is a whole number of milliseconds from ${String(min)} to ${String(max)}.`;
  throw new GatehouseError('usage', message);
}

function commonOptions(): SecureContextOptions {
  return {
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    ecdhCurve: supportedCurves(),
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

function supportedCurves(): string {
  curves ??= firstSupported();
  return curves;
}

function firstSupported(): string {
  try {
    createSecureContext({ ecdhCurve: POST_QUANTUM_CURVES, ca: [] });
    return POST_QUANTUM_CURVES;
  } catch {
    return CLASSICAL_CURVES;
  }
}
