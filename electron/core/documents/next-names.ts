// The names that follow a given one, of any number that are offered in any order, in memory for `count` of them.

export class NextNames {
  readonly #after: string;
  readonly #count: number;
  #names: string[] = [];
  /** Names from here on are not among the first `count`; null while there is room. */
  #bound: string | null = null;

  constructor(after: string, count: number) {
    this.#after = after;
    this.#count = count;
  }

  /** Whether this name may be among them, as far as is known. */
  wants(name: string): boolean {
    return name > this.#after && (this.#bound === null || name < this.#bound);
  }

  /** Whether a name that begins so may be. */
  mayTakeBelow(prefix: string): boolean {
    const last = `${prefix}\uffff`;
    return last > this.#after && (this.#bound === null || prefix < this.#bound);
  }

  /** Takes a name that is wanted. */
  offer(name: string): void {
    this.#names.push(name);
    if (this.#names.length >= 2 * this.#count) this.#cut();
  }

  /** In order; `complete` where none was left out. */
  take(): { readonly names: readonly string[]; readonly complete: boolean } {
    if (this.#names.length > this.#count) this.#cut();
    else this.#names.sort();
    return { names: this.#names, complete: this.#bound === null };
  }

  #cut(): void {
    this.#names.sort();
    this.#bound = this.#names[this.#count] ?? null;
    this.#names.length = this.#count;
  }
}
