// What has been opened and must be closed again, last opened first: so that a start that fails halfway,
// or a stop, leaves nothing behind.

export class Opened {
  #closers: (() => unknown)[] = [];

  /** Remembers how to close something. */
  add(...closers: (() => unknown)[]): void {
    this.#closers.push(...closers);
  }

  async close(): Promise<void> {
    const closers = this.#closers.reverse();
    this.#closers = [];
    for (const close of closers) await close();
  }
}
