// The public keys of one OpenID Connect issuer, found by discovery and kept. They are fetched again when they are
// old or when a token names one that is not among them, never more often than the cool-down allows, so that made-up
// key ids cannot make anybody flood the issuer. While the issuer cannot be reached the keys that are known stay.
import * as v from 'valibot';
import { createLocalJWKSet } from 'jose';
import type { JSONWebKeySet } from 'jose';
import { asGatehouseError, GatehouseError } from '../contracts/errors.ts';
import { discoveryUrl, fetchJson, isSafeUrl } from './issuer-url.ts';

/** Finds the key that a token names among those of one set. */
export type KeySet = ReturnType<typeof createLocalJWKSet>;

/** Where a verifier has its keys from. */
export interface KeySource {
  /** @throws GatehouseError `oidc_unavailable` where none are known */
  current(): Promise<KeySet>;
  /** Keys newer than `known`, for a token that names none of those; null where there are none to be had now. */
  newerThan(known: KeySet): Promise<KeySet | null>;
}

export interface IssuerKeysOptions {
  readonly issuer: string;
  /** Age at which the keys are fetched again before they are used, in milliseconds. */
  readonly maxAgeMs: number;
  /** Least time between two fetches, in milliseconds. */
  readonly coolDownMs: number;
  /** In milliseconds. */
  readonly now: () => number;
  /** The keys have changed: what was verified with the earlier ones counts no more. */
  readonly onChanged: () => void;
  readonly onProblem?: (error: GatehouseError) => void;
}

/** For each of the two documents. */
const fetchTimeoutMs = 5_000;

const discoverySchema = v.looseObject({ issuer: v.string(), jwks_uri: v.string() });
const keySetSchema = v.looseObject({
  keys: v.pipe(v.array(v.looseObject({ kty: v.string() })), v.maxLength(128)),
});

export class IssuerKeys implements KeySource {
  readonly #options: IssuerKeysOptions;
  #keys: KeySet | null = null;
  #text = '';
  #fetchedAt = -Infinity;
  #triedAt = -Infinity;
  #fetching: Promise<void> | null = null;

  constructor(options: IssuerKeysOptions) {
    this.#options = options;
  }

  /** The keys, fetched again first where they are old. @throws GatehouseError `oidc_unavailable` where none are known */
  async current(): Promise<KeySet> {
    const { now, maxAgeMs } = this.#options;
    if (this.#keys === null || now() - this.#fetchedAt >= maxAgeMs) await this.#refresh();
    if (this.#keys === null) throw unavailable(this.#options.issuer);
    return this.#keys;
  }

  /** Keys newer than `known`, for a token that names none of those; null where there are none to be had now. */
  async newerThan(known: KeySet): Promise<KeySet | null> {
    if (this.#keys === known) await this.#refresh();
    return this.#keys === known ? null : this.#keys;
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

  async #fetch(): Promise<void> {
    const { issuer, now, onChanged, onProblem } = this.#options;
    try {
      const keySet = await this.#fetchKeySet();
      this.#fetchedAt = now();
      const text = JSON.stringify(keySet);
      if (text === this.#text) return;
      this.#keys = createLocalJWKSet(keySet);
      this.#text = text;
      onChanged();
    } catch (error) {
      onProblem?.(asGatehouseError(error, 'oidc_unavailable', `The keys of ${issuer} cannot be fetched.`));
    }
  }

  /** OpenID Connect Discovery 1.0, section 4. */
  async #fetchKeySet(): Promise<JSONWebKeySet> {
    const { issuer } = this.#options;
    const discovered = v.safeParse(discoverySchema, await fetchJson(discoveryUrl(issuer), fetchTimeoutMs));
    if (!discovered.success) throw new Error('the discovery document is of no known form');
    if (discovered.output.issuer !== issuer) throw new Error('the discovery document names another issuer');
    const url = URL.parse(discovered.output.jwks_uri);
    if (url === null || !isSafeUrl(url)) throw new Error('the keys are at no https URL');
    return parseKeySet(await fetchJson(url, fetchTimeoutMs));
  }
}

/** RFC 7517, section 5; without what is no public key: a secret in a published set would turn everybody into the issuer. */
export function parseKeySet(json: unknown): JSONWebKeySet {
  const keySet = v.safeParse(keySetSchema, json);
  if (!keySet.success) throw new Error('the key set is of no known form');
  return { keys: keySet.output.keys.filter(({ kty }) => kty !== 'oct') };
}

function unavailable(issuer: string): GatehouseError {
  const message = `The keys of ${issuer} cannot be had at the moment. Try again in a minute, or tell the administrator.`;
  return new GatehouseError('oidc_unavailable', message);
}
