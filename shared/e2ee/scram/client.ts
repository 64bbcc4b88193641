// The client's side of SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677, RFC 9266) as a state machine without I/O.
// Proves the access token for one TLS connection and checks that the service knows it too.
// Must never send the secret, never offer a binding but tls-exporter, and never be used twice.
import { randomBytes } from 'node:crypto';
import { GatehouseError } from '../../contracts/errors.ts';
import { clientProof, deriveScramClientKeys, sameBytes, serverSignature } from './keys.ts';
import {
  CHANNEL_BINDING_BYTES,
  GS2_HEADER,
  MIN_NONCE_CHARS,
  authMessage,
  bindingAttribute,
  escapeName,
  isNonce,
  malformed,
  readServerError,
  readServerFinal,
  readServerFirst,
} from './messages.ts';

export interface ScramClientOptions {
  /** The access token's id. */
  readonly id: string;
  /** The access token's secret. */
  readonly secret: string;
  /** `channelBinding(socket)` of the TLS connection that carries the exchange: 32 bytes. */
  readonly channelBinding: Uint8Array;
  /** Only tests give one; otherwise 24 random bytes in base64. */
  readonly nonce?: string;
}

type State = 'start' | 'awaiting-server-first' | 'deriving' | 'awaiting-server-final' | 'verified' | 'failed';

/** One exchange: `first`, `final`, `verify`, in this order, once. Any failure is final. */
export class ScramClient {
  readonly #options: ScramClientOptions;
  readonly #nonce: string;
  readonly #firstBare: string;
  #state: State = 'start';
  #expected: Buffer = Buffer.alloc(0);

  constructor(options: ScramClientOptions) {
    const nonce = options.nonce ?? randomBytes(24).toString('base64');
    const isBound = options.id !== '' && options.channelBinding.length === CHANNEL_BINDING_BYTES;
    if (!isBound || nonce.length < MIN_NONCE_CHARS || !isNonce(nonce)) {
      throw new GatehouseError('internal', 'A SCRAM exchange needs an id, a channel binding and a nonce.');
    }
    this.#options = options;
    this.#nonce = nonce;
    this.#firstBare = `n=${escapeName(options.id)},r=${nonce}`;
  }

  /** True once `verify` has accepted the service's proof. */
  get verified(): boolean {
    return this.#state === 'verified';
  }

  /** The client-first-message. */
  first(): string {
    this.#advance('start', 'awaiting-server-first');
    return GS2_HEADER + this.#firstBare;
  }

  /**
   * Takes the server-first-message, returns the client-final-message with the proof. Throws
   * `verification_failed` for a malformed message, `access_token_rejected` for `e=…`.
   */
  async final(serverFirst: string): Promise<string> {
    this.#advance('awaiting-server-first', 'deriving');
    try {
      return await this.#prove(serverFirst);
    } catch (error) {
      this.#state = 'failed';
      throw error;
    }
  }

  /**
   * Takes the server-final-message. Returns only where the service has proved that it knows the token.
   * Throws `service_not_verified` for a wrong proof, `access_token_rejected` for `e=…`, and
   * `verification_failed` for a malformed message.
   */
  verify(serverFinal: string): void {
    this.#advance('awaiting-server-final', 'failed');
    const final = readServerFinal(serverFinal);
    if ('error' in final) throw rejected(final.error);
    if (!sameBytes(final.signature, this.#expected)) throw notVerified();
    this.#state = 'verified';
  }

  async #prove(serverFirst: string): Promise<string> {
    const refused = readServerError(serverFirst);
    if (refused !== null) throw rejected(refused);
    const { nonce, salt, iterations } = readServerFirst(serverFirst, this.#nonce);
    const binding = bindingAttribute(GS2_HEADER, this.#options.channelBinding);
    const withoutProof = `c=${binding},r=${nonce}`;
    const keys = await deriveScramClientKeys(this.#options.secret, salt, iterations);
    const auth = authMessage(this.#firstBare, serverFirst, withoutProof);
    this.#expected = serverSignature(keys.serverKey, auth);
    this.#advance('deriving', 'awaiting-server-final');
    return `${withoutProof},p=${clientProof(keys, auth).toString('base64')}`;
  }

  #advance(from: State, to: State): void {
    const found = this.#state;
    this.#state = found === from ? to : 'failed';
    if (found !== from) throw malformed('it came out of order');
  }
}

function rejected(reason: string): GatehouseError {
  const message =
    'The service does not accept this access token: it is wrong, expired or revoked. ' +
    "Ask the service's administrator for a new one.";
  return new GatehouseError('access_token_rejected', message, { details: { reason } });
}

function notVerified(): GatehouseError {
  const message =
    'The service could not prove that it knows the access token, so it may be an impostor. Send it nothing; ' +
    "check the fingerprint with the service's administrator.";
  return new GatehouseError('service_not_verified', message);
}
