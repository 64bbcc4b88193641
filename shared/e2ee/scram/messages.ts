// The four messages of SCRAM-SHA-256-PLUS as text (RFC 5802 section 7), read strictly and written.
// One spelling for each message: no extensions, no white space, canonical base64, so that nothing can be
// changed in a message without changing its meaning. Must never hold state, and never see a key.
import { GatehouseError } from '../../contracts/errors.ts';
import { SCRAM_HASH_BYTES, SCRAM_ITERATIONS, SCRAM_SALT_BYTES } from './keys.ts';

/** The one GS2 header offered and accepted: RFC 9266's binding, no authorisation identity. */
export const GS2_HEADER = 'p=tls-exporter,,';
/** Bytes that `channelBinding(socket)` exports (RFC 9266 section 2). */
export const CHANNEL_BINDING_BYTES = 32;
/** Longest message of either side, in characters (all are ASCII, so also in bytes). */
export const MAX_SCRAM_MESSAGE = 1024;
/** Fewest characters that each side adds to the nonce: 18 characters of base64 carry 108 bits. */
export const MIN_NONCE_CHARS = 18;

export interface ClientFirst {
  /** SCRAM's user name, unescaped. */
  readonly id: string;
  readonly nonce: string;
  /** The message without its GS2 header: the first part of what both sides sign. */
  readonly bare: string;
}

export interface ServerFirst {
  /** The client's nonce with the server's after it. */
  readonly nonce: string;
  readonly salt: Buffer;
  readonly iterations: number;
}

export interface ClientFinal {
  /** Base64 of the GS2 header and the channel binding data. */
  readonly binding: string;
  readonly nonce: string;
  /** 32 bytes. */
  readonly proof: Buffer;
  /** The message up to `,p=`: the last part of what both sides sign. */
  readonly withoutProof: string;
}

/** The server's last word: its signature (32 bytes), or the name of an error (RFC 5802 section 7). */
export type ServerFinal = { readonly signature: Buffer } | { readonly error: string };

/** Reads `p=tls-exporter,,n=…,r=…`. Throws `verification_failed`, as all readers here do. */
export function readClientFirst(message: string): ClientFirst {
  checkSize(message);
  if (!message.startsWith(GS2_HEADER)) {
    throw malformed('it does not ask for SCRAM with tls-exporter channel binding and no other identity');
  }
  const bare = message.slice(GS2_HEADER.length);
  const [name, nonce] = readAttributes(bare, ['n', 'r']);
  if (name === '' || nonce.length < MIN_NONCE_CHARS) throw malformed('its name or nonce is too short');
  return { id: unescapeName(name), nonce, bare };
}

/** Reads `r=…,s=…,i=…`, which must extend `clientNonce`. */
export function readServerFirst(message: string, clientNonce: string): ServerFirst {
  checkSize(message);
  const [nonce, salt, iterations] = readAttributes(message, ['r', 's', 'i']);
  if (!nonce.startsWith(clientNonce) || nonce.length < clientNonce.length + MIN_NONCE_CHARS) {
    throw malformed('its nonce does not extend the one that was sent');
  }
  return { nonce, salt: readSalt(salt), iterations: readIterations(iterations) };
}

/** Reads `c=…,r=…,p=…`. What `c` and `r` must be is for the caller to compare. */
export function readClientFinal(message: string): ClientFinal {
  checkSize(message);
  const [binding, nonce, proof] = readAttributes(message, ['c', 'r', 'p']);
  const withoutProof = message.slice(0, message.length - ',p='.length - proof.length);
  return { binding, nonce, proof: readHash(proof), withoutProof };
}

/** Reads `v=…` or `e=…`. */
export function readServerFinal(message: string): ServerFinal {
  checkSize(message);
  const error = readServerError(message);
  if (error !== null) return { error };
  const [signature] = readAttributes(message, ['v']);
  return { signature: readHash(signature) };
}

/** The error's name where `message` is `e=…`, in place of either message of the server; null otherwise. */
export function readServerError(message: string): string | null {
  return /^e=([a-z0-9-]{1,64})$/.exec(message)?.[1] ?? null;
}

/** Writes `name` as RFC 5802's saslname: `=` is `=3D` and `,` is `=2C`. */
export function escapeName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C');
}

/** The value of `c=`: base64 of the GS2 header and the channel binding data. */
export function bindingAttribute(gs2Header: string, bindingData: Uint8Array): string {
  return Buffer.concat([Buffer.from(gs2Header, 'ascii'), bindingData]).toString('base64');
}

/** What both sides sign (RFC 5802 section 3, AuthMessage). */
export function authMessage(clientFirstBare: string, serverFirst: string, clientFinalBare: string): string {
  return `${clientFirstBare},${serverFirst},${clientFinalBare}`;
}

/** A nonce that may stand in a message: printable ASCII without commas. */
export function isNonce(text: string): boolean {
  return /^[\x21-\x2b\x2d-\x7e]+$/.test(text);
}

/** `verification_failed` for a message that is not as it must be. */
export function malformed(reason: string): GatehouseError {
  const message = `A message of the session verification was not as it must be: ${reason}. Connect again.`;
  return new GatehouseError('verification_failed', message, { details: { reason } });
}

type Strings<Names extends readonly string[]> = { readonly [Name in keyof Names]: string };

/** The values of exactly these attributes in exactly this order. */
function readAttributes<const Names extends readonly string[]>(text: string, names: Names): Strings<Names> {
  const parts = text.split(',');
  const values = names.map((name, index) => {
    const part = parts[index];
    if (part?.startsWith(`${name}=`) !== true) throw malformed(`attribute ${name} is not where it belongs`);
    return part.slice(2);
  });
  if (parts.length !== names.length) throw malformed('it has attributes that are not known');
  return values as unknown as Strings<Names>;
}

function checkSize(message: string): void {
  if (message.length > MAX_SCRAM_MESSAGE) throw malformed('it is longer than 1 KiB');
  if (!/^[\x21-\x7e]+$/.test(message)) throw malformed('it has characters other than printable ASCII');
}

function unescapeName(name: string): string {
  if (/=(?!2C|3D)/.test(name)) throw malformed('its name is not escaped as it must be');
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

function readSalt(text: string): Buffer {
  const salt = readBase64(text);
  if (salt.length < SCRAM_SALT_BYTES.min || salt.length > SCRAM_SALT_BYTES.max) {
    throw malformed('its salt has a length that is not allowed');
  }
  return salt;
}

function readIterations(text: string): number {
  const iterations = /^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : 0;
  if (iterations < SCRAM_ITERATIONS.min || iterations > SCRAM_ITERATIONS.max) {
    throw malformed('its iteration count is not between 4,096 and 100,000');
  }
  return iterations;
}

function readHash(text: string): Buffer {
  const hash = readBase64(text);
  if (hash.length !== SCRAM_HASH_BYTES) throw malformed('its proof has not 32 bytes');
  return hash;
}

/** Node's decoder forgives much; only text that it would write itself is taken (RFC 4648 section 3.5). */
function readBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw malformed('its base64 is not canonical');
  return bytes;
}
