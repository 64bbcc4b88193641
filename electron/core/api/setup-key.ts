// The key that whoever sets a service up through a browser must have: printed where the program was started, good
// once and for 15 minutes. Only its hash is kept, so that no dump of this process has it.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { GatehouseError } from '../../../shared/contracts/errors.ts';

const keyBytes = 16;
/** In milliseconds. */
export const setupKeyLifeMs = 15 * 60_000;

export class SetupKey {
  readonly #hash: Buffer;
  readonly #until: number;
  readonly #now: () => number;
  #used = false;

  private constructor(hash: Buffer, now: () => number) {
    this.#hash = hash;
    this.#now = now;
    this.#until = now() + setupKeyLifeMs;
  }

  /** `text` is for the person alone: keep it nowhere. */
  static make(now: () => number = Date.now): { readonly key: SetupKey; readonly text: string } {
    const text = randomBytes(keyBytes).toString('base64url');
    return { key: new SetupKey(hashOf(text), now), text };
  }

  /** @throws GatehouseError `setup_key_invalid` */
  check(text: string | undefined): void {
    const matches = timingSafeEqual(hashOf(text ?? ''), this.#hash);
    if (matches && !this.#used && this.#now() < this.#until) return;
    const message =
      'The set-up key is wrong, used up or older than 15 minutes. Start the program again: it prints a new one.';
    throw new GatehouseError('setup_key_invalid', message);
  }

  /** It is good no more. */
  use(): void {
    this.#used = true;
  }
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}
