// Tells changes that are made here from those that come through the command line, which are seen only by what they leave
// in the data folder. Whoever changes something here says so before it is written.

export class ExpectedChanges {
  readonly #expected = new Map<string, number>();

  /** Returns the undo, for a change that failed. */
  expect(subject: string, change: string): () => void {
    const key = keyOf(subject, change);
    this.#expected.set(key, (this.#expected.get(key) ?? 0) + 1);
    return () => void this.takes(subject, change);
  }

  /** Whether this change was expected: each expectation answers for one. */
  takes(subject: string, change: string): boolean {
    const key = keyOf(subject, change);
    const left = (this.#expected.get(key) ?? 0) - 1;
    if (left > 0) this.#expected.set(key, left);
    else this.#expected.delete(key);
    return left >= 0;
  }
}

function keyOf(subject: string, change: string): string {
  return `${change} ${subject}`;
}
