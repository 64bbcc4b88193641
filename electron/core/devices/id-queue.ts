// The ids that one device's requests had, from the oldest to the newest, and when each came. A Map alone would do, but
// finding its first entry walks over all that were deleted before it: 30 µs an id in a full journal.

/** Forgotten places that may gather at the front before they are cut off. */
const maxSlack = 1024;

export class IdQueue {
  readonly #at = new Map<string, number>();
  #order: string[] = [];
  /** Place of the oldest id. */
  #first = 0;

  get size(): number {
    return this.#at.size;
  }

  /** When the oldest id came, in milliseconds since the epoch; undefined where there is none. */
  get oldest(): number | undefined {
    return this.#at.get(this.#order[this.#first] ?? '');
  }

  has(id: string): boolean {
    return this.#at.has(id);
  }

  /** Adds `id` as the newest, or tells a later time for one that is there. */
  add(id: string, at: number): void {
    if (!this.#at.has(id)) this.#order.push(id);
    this.#at.set(id, at);
  }

  dropOldest(): void {
    const id = this.#order[this.#first];
    if (id === undefined) return;
    this.#at.delete(id);
    this.#first += 1;
    if (this.#first < maxSlack || this.#first * 2 < this.#order.length) return;
    this.#order = this.#order.slice(this.#first);
    this.#first = 0;
  }

  [Symbol.iterator](): Iterator<[id: string, at: number]> {
    return this.#at[Symbol.iterator]();
  }
}
