// The service's side of SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677, RFC 9266) as a state machine without I/O.
// Checks a client's proof for one TLS connection and answers with the service's own.
// Must never tell an unknown id from a wrong proof, by words, sizes or work done, and never be used twice.
import { randomBytes } from 'node:crypto';
import { GatehouseError } from '../../contracts/errors.ts';
import { SCRAM_ISSUED, hmac, sameBytes, serverSignature, sha256, xor, type ScramKeys } from './keys.ts';
import {
  CHANNEL_BINDING_BYTES,
  GS2_HEADER,
  MIN_NONCE_CHARS,
  authMessage,
  bindingAttribute,
  isNonce,
  malformed,
  readClientFinal,
  readClientFirst,
  type ClientFinal,
} from './messages.ts';

/** What the service keeps of one access token. */
export interface ScramCredential extends ScramKeys {
  readonly salt: Uint8Array;
  readonly iterations: number;
}

export interface ScramServerOptions {
  /** The credential of a usable access token; null for unknown, expired and revoked ones alike. */
  readonly lookup: (id: string) => ScramCredential | null;
  /** `channelBinding(socket)` of the TLS connection that carries the exchange: 32 bytes. */
  readonly channelBinding: Uint8Array;
  /** Makes the salts of unknown ids: 32 random bytes that the service keeps, so that the salts are stable. */
  readonly fakeSaltKey: Uint8Array;
  /** Only tests give one; otherwise 24 random bytes in base64. */
  readonly nonce?: string;
}

/** A client has proved its token. Send it `message`: the service's own proof. */
export interface ScramAccepted {
  readonly id: string;
  readonly message: string;
}

interface Exchange {
  readonly id: string;
  readonly credential: ScramCredential;
  readonly known: boolean;
  readonly clientFirstBare: string;
  readonly serverFirst: string;
  readonly nonce: string;
}

/** One exchange: `first`, `final`, in this order, once. Any failure is final. */
export class ScramServer {
  readonly #options: ScramServerOptions;
  readonly #nonce: string;
  #state: 'awaiting-client-first' | 'awaiting-client-final' | 'accepted' | 'failed' = 'awaiting-client-first';
  #exchange: Exchange | null = null;

  constructor(options: ScramServerOptions) {
    const nonce = options.nonce ?? randomBytes(24).toString('base64');
    const isBound =
      options.channelBinding.length === CHANNEL_BINDING_BYTES && options.fakeSaltKey.length >= 32;
    if (!isBound || nonce.length < MIN_NONCE_CHARS || !isNonce(nonce)) {
      throw new GatehouseError('internal', 'A SCRAM exchange needs a binding, a salt key and a nonce.');
    }
    this.#options = options;
    this.#nonce = nonce;
  }

  /** The id that the client claims, for logs and delays; proved only when `final` has returned. */
  get claimedId(): string | null {
    return this.#exchange?.id ?? null;
  }

  /** Takes the client-first-message, returns the server-first-message. Throws `verification_failed`. */
  first(clientFirst: string): string {
    const inOrder = this.#state === 'awaiting-client-first';
    this.#state = 'failed';
    if (!inOrder) throw malformed('it came out of order');
    const { id, nonce: clientNonce, bare } = readClientFirst(clientFirst);
    const fake = fakeCredential(this.#options.fakeSaltKey, id);
    const found = this.#options.lookup(id);
    const credential = found ?? fake;
    const nonce = clientNonce + this.#nonce;
    const salt = Buffer.from(credential.salt).toString('base64');
    const serverFirst = `r=${nonce},s=${salt},i=${String(credential.iterations)}`;
    this.#exchange = { id, credential, known: found !== null, clientFirstBare: bare, serverFirst, nonce };
    this.#state = 'awaiting-client-final';
    return serverFirst;
  }

  /**
   * Takes the client-final-message. Throws `access_token_rejected` for an unknown id and a wrong proof
   * alike, `verification_failed` for anything malformed, out of order or bound to another connection.
   */
  final(clientFinal: string): ScramAccepted {
    const exchange = this.#exchange;
    const inOrder = this.#state === 'awaiting-client-final';
    this.#state = 'failed';
    if (exchange === null || !inOrder) throw malformed('it came out of order');
    const final = readClientFinal(clientFinal);
    this.#checkBinding(final, exchange);
    const { credential, known, id } = exchange;
    const auth = authMessage(exchange.clientFirstBare, exchange.serverFirst, final.withoutProof);
    const clientKey = xor(final.proof, hmac(credential.storedKey, auth));
    const proved = sameBytes(sha256(clientKey), credential.storedKey);
    const signature = serverSignature(credential.serverKey, auth);
    if (!proved || !known) throw rejected();
    this.#state = 'accepted';
    return { id, message: `v=${signature.toString('base64')}` };
  }

  #checkBinding(final: ClientFinal, exchange: Exchange): void {
    const expected = bindingAttribute(GS2_HEADER, this.#options.channelBinding);
    if (!sameBytes(Buffer.from(final.binding), Buffer.from(expected))) {
      throw malformed('it is bound to another TLS connection');
    }
    if (!sameBytes(Buffer.from(final.nonce), Buffer.from(exchange.nonce))) {
      throw malformed('its nonce is not the one of this exchange');
    }
  }
}

/** Looks and costs like a real one; its keys are no token's, so no proof fits. */
function fakeCredential(key: Uint8Array, id: string): ScramCredential {
  return {
    salt: hmac(key, `salt ${id}`).subarray(0, SCRAM_ISSUED.saltBytes),
    iterations: SCRAM_ISSUED.iterations,
    storedKey: hmac(key, `stored ${id}`),
    serverKey: hmac(key, `server ${id}`),
  };
}

function rejected(): GatehouseError {
  const message =
    'This access token is not accepted: it is wrong, expired or revoked. ' +
    "Ask the service's administrator for a new one.";
  return new GatehouseError('access_token_rejected', message);
}
