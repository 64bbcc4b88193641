// Tells changes that were made here from those that came through the command line, which are seen only in the data
// folder. Whoever changes something here says so before it is written.
import type { LiveAccessTokens } from '../secrets/live-access-tokens.ts';

export type TokenChange = 'created' | 'revoked';

export class OwnChanges {
  readonly #fingerprints = new Set<string>();
  /** What is known of each token: whether it has been revoked. */
  readonly #tokens = new Map<string, boolean>();

  /** Takes what is there for known. */
  startWith(tokens: LiveAccessTokens, fingerprint: string): void {
    for (const { id, revokedAt } of tokens.all()) this.#tokens.set(id, revokedAt !== null);
    this.#fingerprints.add(fingerprint);
  }

  /** Returns the undo, for a change that failed. */
  expectToken(id: string, change: TokenChange): () => void {
    const before = this.#tokens.get(id);
    this.#tokens.set(id, change === 'revoked');
    return () => {
      if (before === undefined) this.#tokens.delete(id);
      else this.#tokens.set(id, before);
    };
  }

  expectFingerprint(sha256: string): void {
    this.#fingerprints.add(sha256);
  }

  /** What somebody else did to the token `id`, as it is now; null where nothing. */
  foreignTokenChange(id: string, now: { readonly revokedAt: number | null } | null): TokenChange | null {
    const before = this.#tokens.get(id);
    if (now === null) return null;
    const revoked = now.revokedAt !== null;
    this.#tokens.set(id, revoked);
    if (before === undefined) return 'created';
    return revoked && !before ? 'revoked' : null;
  }

  /** Whether somebody else brought this certificate. */
  isForeignFingerprint(sha256: string): boolean {
    return !this.#fingerprints.has(sha256);
  }
}
