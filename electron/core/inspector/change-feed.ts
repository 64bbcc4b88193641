// How the thread that writes tells the thread that reads, and the main thread, which rows it has just committed or
// deleted: a ring of ids in shared memory, so that telling costs the writer a store a row and the others nothing.
// Must never hold up the writer: who falls behind a whole ring is told that changes were lost.

/** Ids in the ring: what a reader may be behind. */
export const feedCapacity = 131_072;

const word = {
  /** Changes since the feed was made. */
  sequence: 0,
  /** Starts of a writer: a commit before it may be missing in the ring. */
  generation: 1,
  newestId: 2,
} as const;

const headerBytes = 3 * BigInt64Array.BYTES_PER_ELEMENT;

/** All zero: nothing has changed yet. */
export function newChangeFeed(capacity = feedCapacity): SharedArrayBuffer {
  return new SharedArrayBuffer(headerBytes + capacity * Float64Array.BYTES_PER_ELEMENT);
}

export class ChangeWriter {
  readonly #words: BigInt64Array;
  readonly #ids: Float64Array;
  #sequence: number;
  #newestId: number;

  /** @param newestId the highest id in the file that has just been opened */
  constructor(feed: SharedArrayBuffer, newestId: number) {
    this.#words = new BigInt64Array(feed, 0, 3);
    this.#ids = new Float64Array(feed, headerBytes);
    this.#sequence = read(this.#words, word.sequence) + 1;
    this.#newestId = newestId;
    Atomics.add(this.#words, word.generation, 1n);
    this.publish();
  }

  /** A row that was committed or deleted. */
  add(id: number): void {
    this.#ids[this.#sequence % this.#ids.length] = id;
    this.#sequence += 1;
    if (id > this.#newestId) this.#newestId = id;
  }

  /** Makes what was added visible; after its commit and before its acknowledgement. */
  publish(): void {
    Atomics.store(this.#words, word.newestId, BigInt(this.#newestId));
    Atomics.store(this.#words, word.sequence, BigInt(this.#sequence));
  }
}

export class ChangeReader {
  readonly #words: BigInt64Array;
  readonly #ids: Float64Array;
  #taken = 0;
  #generation = 0;

  constructor(feed: SharedArrayBuffer) {
    this.#words = new BigInt64Array(feed, 0, 3);
    this.#ids = new Float64Array(feed, headerBytes);
    this.skip();
  }

  /** Ascends with every change. */
  get revision(): number {
    return read(this.#words, word.sequence);
  }

  get newestId(): number {
    return read(this.#words, word.newestId);
  }

  /** Takes all changes as read. */
  skip(): void {
    this.#generation = read(this.#words, word.generation);
    this.#taken = this.revision;
  }

  /** The ids that changed since the last call, some perhaps twice; null where changes were lost. */
  take(): number[] | null {
    const end = this.revision;
    const ids: number[] = [];
    for (let at = this.#taken; at < end; at += 1) ids.push(this.#ids[at % this.#ids.length] ?? 0);
    // The writer may have come around while the ids were read; what it is writing now is not published yet.
    const lapped = this.revision + maxUnpublished - this.#taken > this.#ids.length && end > this.#taken;
    if (lapped || read(this.#words, word.generation) !== this.#generation) {
      this.skip();
      return null;
    }
    this.#taken = end;
    return ids;
  }
}

/** Ids that a writer adds before it publishes, at most. */
export const maxUnpublished = 1024;

function read(words: BigInt64Array, index: number): number {
  return Number(Atomics.load(words, index));
}
