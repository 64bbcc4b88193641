// The public keys of the OpenID Connect issuer: out of <data>/oidc-jwks.json where an administrator has put them there,
// else discovered and kept. Fetched again when they are old or a token names one that is not among them, never more often
// than the cool-down allows. Documents are bounded in time and size, never taken through a redirect, and over plain HTTP
// from this machine alone.
import { createLocalJWKSet } from 'jose';
import type { JSONWebKeySet } from 'jose';
import { stat } from 'node:fs/promises';
import * as v from 'valibot';
import { asGatehouseError, GatehouseError } from '../../../shared/contracts/errors.ts';
import { isLoopbackHost } from '../../../shared/net/dial.ts';
import { isSystemError, readFileIfThere } from '../../../shared/storage/atomic-file.ts';

export const pinnedKeysFile = 'oidc-jwks.json';

/** Finds the key that a token names among those of one set. */
export type KeySet = ReturnType<typeof createLocalJWKSet>;

const maxDocumentLength = 256 * 1024;
const fetchTimeoutMs = 5_000;
/** How often the pinned keys are looked for, in milliseconds. */
const lookMs = 500;

export interface OidcKeysOptions {
  readonly issuer: string;
  /** Path of the pinned key set; it counts while it is there. */
  readonly pinned: string;
  /** Age at which the keys are fetched again before they are used, in milliseconds. */
  readonly maxAgeMs: number;
  /** Least time between two fetches, in milliseconds. */
  readonly coolDownMs: number;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  /** What was verified with the earlier keys counts no more. */
  readonly onChanged: () => void;
}

const discoverySchema = v.looseObject({ issuer: v.string(), jwks_uri: v.string() });
const keySetSchema = v.looseObject({
  keys: v.pipe(v.array(v.looseObject({ kty: v.string() })), v.maxLength(128)),
});

export class OidcKeys {
  readonly #options: OidcKeysOptions;
  #keys: KeySet | null = null;
  #text = '';
  #pinned = '';
  #lookedAt = -Infinity;
  #fetchedAt = -Infinity;
  #triedAt = -Infinity;
  #fetching: Promise<void> | null = null;

  constructor(options: OidcKeysOptions) {
    this.#options = options;
  }

  /** The keys, fetched again first where they are old. @throws GatehouseError `oidc_unavailable` where none are known */
  async current(): Promise<KeySet> {
    if (await this.#usePinned()) return this.#known();
    const { now, maxAgeMs } = this.#options;
    if (this.#keys === null || now() - this.#fetchedAt >= maxAgeMs) await this.#refresh();
    return this.#known();
  }

  /** Keys newer than `known`, for a token that names none of those; null where there are none to be had now. */
  async newerThan(known: KeySet): Promise<KeySet | null> {
    if (this.#pinned === '' && this.#keys === known) await this.#refresh();
    return this.#keys === known ? null : this.#keys;
  }

  #known(): KeySet {
    if (this.#keys !== null) return this.#keys;
    const message = `The service cannot get the keys of ${this.#options.issuer} at the moment. Try again in a minute, or tell the administrator.`;
    throw new GatehouseError('oidc_unavailable', message);
  }

  async #usePinned(): Promise<boolean> {
    // Not with every request: that would be a look at the disk each time.
    const now = this.#options.now();
    if (now - this.#lookedAt < lookMs) return this.#pinned !== '';
    const signature = await signatureOf(this.#options.pinned);
    this.#lookedAt = now;
    if (signature !== this.#pinned) {
      this.#pinned = signature;
      this.#forget();
      if (signature !== '') this.#take(await readPinned(this.#options.pinned));
    }
    return signature !== '';
  }

  #forget(): void {
    this.#keys = null;
    this.#text = '';
    this.#fetchedAt = -Infinity;
    this.#triedAt = -Infinity;
    this.#options.onChanged();
  }

  #take(keySet: JSONWebKeySet): void {
    const text = JSON.stringify(keySet);
    if (text === this.#text) return;
    this.#keys = createLocalJWKSet(keySet);
    this.#text = text;
    this.#options.onChanged();
  }

  async #refresh(): Promise<void> {
    const { now, coolDownMs } = this.#options;
    if (this.#fetching === null) {
      if (now() - this.#triedAt < coolDownMs) return;
      this.#triedAt = now();
      this.#fetching = this.#fetch().finally(() => (this.#fetching = null));
    }
    await this.#fetching;
  }

  /** Where the issuer cannot be reached the keys that are known stay. */
  async #fetch(): Promise<void> {
    const { issuer, now } = this.#options;
    try {
      const keySet = await fetchKeySet(issuer);
      this.#fetchedAt = now();
      if (this.#pinned === '') this.#take(keySet);
    } catch (error) {
      if (this.#keys === null) throw unavailable(issuer, error);
    }
  }
}

/** OpenID Connect Discovery 1.0, section 4, then RFC 7517, section 5. */
async function fetchKeySet(issuer: string): Promise<JSONWebKeySet> {
  const discovery = new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  const discovered = v.safeParse(discoverySchema, await fetchJson(discovery));
  if (!discovered.success) throw new Error('the discovery document is of no known form');
  if (discovered.output.issuer !== issuer) throw new Error('the discovery document names another issuer');
  const url = URL.parse(discovered.output.jwks_uri);
  if (url === null) throw new Error('the keys are at no URL');
  return parseKeySet(await fetchJson(url));
}

/** A secret in a published set would turn everybody into the issuer. */
function parseKeySet(json: unknown): JSONWebKeySet {
  const keySet = v.safeParse(keySetSchema, json);
  if (!keySet.success) throw new Error('the key set is of no known form');
  return { keys: keySet.output.keys.filter(({ kty }) => kty !== 'oct') };
}

async function fetchJson(url: URL): Promise<unknown> {
  const safe = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname));
  if (!safe) throw new Error('it is at no https URL');
  const response = await fetch(url, {
    headers: { accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(fetchTimeoutMs),
  });
  if (response.status !== 200 || response.body === null) throw new Error(`HTTP ${response.status}`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxDocumentLength) throw new Error('the document is too large');
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
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

async function readPinned(path: string): Promise<JSONWebKeySet> {
  try {
    const bytes = await readFileIfThere(path, maxDocumentLength);
    return parseKeySet(JSON.parse(bytes?.toString('utf8') ?? ''));
  } catch (error) {
    throw pinnedProblem(path, error);
  }
}

function pinnedProblem(path: string, cause: unknown): GatehouseError {
  const message = `${path} is no JSON Web Key Set, so no token can be checked. Correct it, or remove it so that the issuer's keys are fetched.`;
  return new GatehouseError('oidc_unavailable', message, { cause });
}

function unavailable(issuer: string, cause: unknown): GatehouseError {
  return asGatehouseError(cause, 'oidc_unavailable', `The keys of ${issuer} cannot be fetched.`);
}
