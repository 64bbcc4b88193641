// Content hashes of files that have been read lately, so that nobody reads them again for it. In memory; a file that
// was written since has another identity and is not found.
import type { DocumentKey } from './blob-record.ts';
import { sameIdentity } from './file-identity.ts';
import type { FileIdentity } from './file-identity.ts';

const maxKnown = 10_000;

export class KnownVersions {
  readonly #known = new Map<string, { readonly identity: FileIdentity; readonly version: string }>();

  /** @param identity settled: see file-identity.ts */
  add(document: DocumentKey, identity: FileIdentity, version: string): void {
    const key = keyOf(document);
    this.#known.delete(key);
    this.#known.set(key, { identity, version });
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= maxKnown) return;
      this.#known.delete(oldest);
    }
  }

  find(document: DocumentKey, identity: FileIdentity): string | null {
    const known = this.#known.get(keyOf(document));
    return known !== undefined && sameIdentity(known.identity, identity) ? known.version : null;
  }
}

function keyOf({ collection, name }: DocumentKey): string {
  return `${collection} ${name}`;
}
