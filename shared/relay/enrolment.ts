// How a service proves to this relay that it holds its key, and how an unknown key is enrolled. A proof is bound to
// this relay's URL, to a nonce of one connection, and to the id; a pinned key is never replaced.
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { asGatehouseError, GatehouseError } from '../contracts/errors.ts';
import { formatServiceId } from '../contracts/service-id.ts';
import type { WebSocketChannel } from '../net/channel.ts';
import { enrolmentProof, nextOpening, nonceLength, sendOpening } from '../net/opening.ts';
import type { OpeningOf } from '../net/opening.ts';
import type { RelayAddress } from './address.ts';
import type { RelayState } from './state/relay-state.ts';

const keyLength = 32;
const signatureLength = 64;

export interface EnrolledService {
  readonly serviceId: string;
  /** The raw key, base64url. */
  readonly publicKey: string;
}

export interface EnrolmentOptions {
  readonly address: RelayAddress;
  readonly state: RelayState;
  /** Whether an unknown key needs no enrolment token. */
  readonly open: boolean;
  readonly timeoutMs: number;
}

export class Enrolment {
  readonly #options: EnrolmentOptions;
  /** Enrolments of unknown keys, one after the other: two must not find the same id free. */
  #last: Promise<void> = Promise.resolve();

  constructor(options: EnrolmentOptions) {
    this.#options = options;
  }

  /**
   * Challenges the service at the other end of a new connection.
   * @throws GatehouseError `timeout`, `relay_protocol`, `relay_url_mismatch`, `not_authorised`, `service_id_taken`,
   * `relay_record_corrupt`, `storage_failed`
   */
  async admit(channel: WebSocketChannel): Promise<EnrolledService> {
    const nonce = randomBytes(nonceLength);
    sendOpening(channel, { type: 'challenge', v: 1, nonce: nonce.toString('base64url') });
    const answer = await this.#nextAnswer(channel);
    if (!this.#options.address.acceptsProofUrl(answer.url)) {
      const message =
        'The proof was made for another relay URL. Dial the relay by the URL that it says it has.';
      throw new GatehouseError('relay_url_mismatch', message);
    }
    const service = verifyProof(answer, nonce);
    if (!(await this.#isPinned(service))) await this.#enrol(service, answer.enrolmentToken);
    return service;
  }

  async #nextAnswer(channel: WebSocketChannel): Promise<OpeningOf<'enrol'>> {
    try {
      return await nextOpening(channel, 'enrol', this.#options.timeoutMs);
    } catch (error) {
      const coded = asGatehouseError(error);
      if (coded.code !== 'relay_unreachable') throw coded;
      throw new GatehouseError('timeout', 'The service did not prove its key in time.', { cause: error });
    }
  }

  /** True where this very key is pinned, false where none is. @throws GatehouseError `service_id_taken` */
  async #isPinned({ serviceId, publicKey }: EnrolledService): Promise<boolean> {
    const pinned = await this.#options.state.services.keyOf(serviceId);
    if (pinned === null || pinned === publicKey) return pinned !== null;
    throw new GatehouseError(
      'service_id_taken',
      `Another key is enrolled under ${serviceId}. Make a new identity.`,
    );
  }

  #enrol(service: EnrolledService, token: string | undefined): Promise<void> {
    const run = this.#last.then(() => this.#pinIfAllowed(service, token));
    this.#last = run.catch(() => undefined);
    return run;
  }

  async #pinIfAllowed(service: EnrolledService, token: string | undefined): Promise<void> {
    const { state, open } = this.#options;
    if (await this.#isPinned(service)) return;
    const allowed = open || (token !== undefined && (await state.enrolmentTokens.consume(token)));
    if (!allowed) {
      const message = `${service.serviceId} is not enrolled here and brought no valid enrolment token. Make one on the relay: gatehouse relay enrolment-token`;
      throw new GatehouseError('not_authorised', message);
    }
    await state.services.pin(service.serviceId, service.publicKey);
  }
}

/** @throws GatehouseError `relay_protocol`, `not_authorised` */
function verifyProof(answer: OpeningOf<'enrol'>, nonce: Uint8Array): EnrolledService {
  const key = decode(answer.publicKey, keyLength);
  const signature = decode(answer.signature, signatureLength);
  const serviceId = formatServiceId(createHash('sha256').update(key).digest());
  const proof = enrolmentProof(answer.url, nonce, serviceId);
  if (!isSignedBy(answer.publicKey, proof, signature)) {
    const message =
      'The proof of the service key is not valid for this relay, this connection and this service id.';
    throw new GatehouseError('not_authorised', message);
  }
  return { serviceId, publicKey: answer.publicKey };
}

function isSignedBy(publicKey: string, proof: Uint8Array, signature: Uint8Array): boolean {
  try {
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' });
    return verify(null, proof, key, signature);
  } catch {
    return false;
  }
}

/** Only the one canonical spelling of `length` bytes, so that a key has one text. */
function decode(base64url: string, length: number): Buffer {
  const bytes = Buffer.from(base64url, 'base64url');
  if (bytes.length === length && bytes.toString('base64url') === base64url) return bytes;
  throw new GatehouseError(
    'relay_protocol',
    'The service sent a key or signature of the wrong length or form.',
  );
}
