// Finds the value of a given rank without sorting all of them. It moves the values that it is given about.

/** The value that would stand at `rank` of `values[from..to)` in ascending order; `rank` counts from 0. */
export function valueOfRank(values: Float64Array, rank: number, from = 0, to = values.length): number {
  let [left, right] = [from, to - 1];
  const wanted = from + rank;
  while (left < right) {
    const split = partition(values, left, right);
    if (wanted <= split) right = split;
    else left = split + 1;
  }
  return values[wanted] ?? NaN;
}

/** Hoare's: afterwards nothing in [left, split] is greater than anything in (split, right]. */
function partition(values: Float64Array, left: number, right: number): number {
  const pivot = values[(left + right) >>> 1] ?? 0;
  let [low, high] = [left - 1, right + 1];
  for (;;) {
    do low += 1;
    while ((values[low] ?? 0) < pivot);
    do high -= 1;
    while ((values[high] ?? 0) > pivot);
    if (low >= high) return high;
    const value = values[low] ?? 0;
    values[low] = values[high] ?? 0;
    values[high] = value;
  }
}

/** Of numbers that arrive one by one: all while they are few, else so many that are spread evenly. */
export class Sample {
  readonly #values: Float64Array;
  #size = 0;
  /** Each how-many-th number is kept, and how many are to pass until the next. */
  #step = 1;
  #skip = 0;

  /** @param size kept at most; half of them at least, where there are that many */
  constructor(size: number) {
    this.#values = new Float64Array(size);
  }

  add(value: number): void {
    if (this.#skip > 0) {
      this.#skip -= 1;
      return;
    }
    if (this.#size === this.#values.length) this.#thin();
    this.#values[this.#size] = value;
    this.#size += 1;
    this.#skip = this.#step - 1;
  }

  /** The values themselves, not a copy. */
  all(): Float64Array {
    return this.#values.subarray(0, this.#size);
  }

  #thin(): void {
    this.#size = Math.ceil(this.#size / 2);
    for (let at = 0; at < this.#size; at += 1) this.#values[at] = this.#values[2 * at] ?? 0;
    this.#step *= 2;
  }
}
