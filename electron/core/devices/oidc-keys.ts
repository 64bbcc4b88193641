// The public keys of the service's OpenID Connect issuer: out of <data>/oidc-jwks.json where an administrator has put them
// there, and then without any network, else discovered and kept. A file that cannot be read lets nobody in: it must never
// be passed over for what the issuer publishes.
import { createLocalJWKSet } from 'jose';
import { stat } from 'node:fs/promises';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { IssuerKeys, parseKeySet } from '../../../shared/oidc/issuer-keys.ts';
import type { IssuerKeysOptions, KeySet, KeySource } from '../../../shared/oidc/issuer-keys.ts';
import { isSystemError, readFileIfThere } from '../../../shared/storage/atomic-file.ts';

export const pinnedKeysFile = 'oidc-jwks.json';

const maxPinnedLength = 256 * 1024;
/** How often the pinned keys are looked for, in milliseconds. */
const lookMs = 500;

export interface OidcKeysOptions extends IssuerKeysOptions {
  /** Path of the pinned key set; it counts while it is there. */
  readonly pinned: string;
}

export class OidcKeys implements KeySource {
  readonly #options: OidcKeysOptions;
  #published: IssuerKeys;
  /** Null where there is no file. */
  #pinned: Promise<KeySet> | null = null;
  /** Of the file; empty where there is none. */
  #signature = '';
  #lookedAt = -Infinity;

  constructor(options: OidcKeysOptions) {
    this.#options = options;
    this.#published = new IssuerKeys(options);
  }

  /** @throws GatehouseError `oidc_unavailable` where none are known, or those that are pinned cannot be read */
  async current(): Promise<KeySet> {
    await this.#look();
    return this.#pinned ?? this.#published.current();
  }

  async newerThan(known: KeySet): Promise<KeySet | null> {
    if (this.#pinned === null) return this.#published.newerThan(known);
    const pinned = await this.#pinned;
    return pinned === known ? null : pinned;
  }

  async #look(): Promise<void> {
    // Not with every request: that would be a look at the disk each time.
    const { now, pinned, onChanged } = this.#options;
    const at = now();
    if (at - this.#lookedAt < lookMs) return;
    const signature = await signatureOf(pinned);
    this.#lookedAt = at;
    if (signature === this.#signature) return;
    this.#signature = signature;
    this.#pinned = signature === '' ? null : readPinned(pinned);
    this.#pinned?.catch(() => undefined); // whoever asks is told
    this.#published = new IssuerKeys(this.#options);
    onChanged();
  }
}

/** Empty where there is no such file. */
async function signatureOf(path: string): Promise<string> {
  try {
    const { ino, mtimeMs, size } = await stat(path);
    return `${ino}-${mtimeMs}-${size}`;
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return '';
    throw pinnedProblem(path, error);
  }
}

async function readPinned(path: string): Promise<KeySet> {
  try {
    const bytes = await readFileIfThere(path, maxPinnedLength);
    return createLocalJWKSet(parseKeySet(JSON.parse(bytes?.toString('utf8') ?? '')));
  } catch (error) {
    throw pinnedProblem(path, error);
  }
}

function pinnedProblem(path: string, cause: unknown): GatehouseError {
  const message = `${path} is no JSON Web Key Set, so no token can be checked. Correct it, or remove it so that the issuer's keys are fetched.`;
  return new GatehouseError('oidc_unavailable', message, { cause });
}
