// The distinct values of one text column, each with a small number in its place and how many rows have it, so that a
// filter is tried once on each value instead of on each row. Must never forget a value: codes stand in segments.

/** What a value costs beside its characters, in bytes, about: its string, its place in map and arrays. */
const overheadBytes = 96;

export class Dictionary {
  /** By code; code 0 is null. */
  readonly values: (string | null)[] = [null];
  readonly #counts: number[] = [0];
  readonly #codes = new Map<string, number>();
  #bytes = 0;

  /** Memory, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Counts a row with this value in. */
  take(value: string | null): number {
    if (value === null) return this.#count(0, 1);
    const known = this.#codes.get(value);
    return this.#count(known ?? this.#add(value), 1);
  }

  /** Counts a row with this code out. */
  release(code: number): void {
    this.#count(code, -1);
  }

  /** Rows that have the value of this code. */
  count(code: number): number {
    return this.#counts[code] ?? 0;
  }

  #add(value: string): number {
    const code = this.values.length;
    this.values.push(value);
    this.#codes.set(value, code);
    this.#counts.push(0);
    this.#bytes += overheadBytes + value.length;
    return code;
  }

  #count(code: number, by: 1 | -1): number {
    this.#counts[code] = this.count(code) + by;
    return code;
  }
}
