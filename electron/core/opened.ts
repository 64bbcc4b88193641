// What has been opened and must be closed again, last opened first: so that a start that fails halfway,
// or a stop, leaves nothing behind.

export class Opened {
  #closers: (() => unknown)[] = [];

  /** Remembers how to close something. */
  add(...closers: (() => unknown)[]): void {
    this.#closers.push(...closers);
  }

  /** Closes all, also where closing one fails. @throws what the first failure was */
  async close(): Promise<void> {
    const closers = this.#closers.reverse();
    this.#closers = [];
    const failures: unknown[] = [];
    for (const close of closers) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
