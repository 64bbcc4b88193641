// Which streams of a session wait to send, and their turns: one frame each, round by round, so that no stream
// starves another. Must never run within itself: a consumer that writes on when told of sent bytes only
// joins the next round.
import type { YamuxStream } from './stream.ts';

export class Turns {
  #waiting = new Set<YamuxStream>();
  #running = false;

  add(stream: YamuxStream): void {
    this.#waiting.add(stream);
  }

  delete(stream: YamuxStream): void {
    this.#waiting.delete(stream);
  }

  clear(): void {
    this.#waiting.clear();
  }

  /** Gives turns while `mayGoOn` says that the output takes more, until no stream can send. */
  run(mayGoOn: () => boolean): void {
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#waiting.size > 0 && mayGoOn()) this.#round(mayGoOn);
    } finally {
      this.#running = false;
    }
  }

  #round(mayGoOn: () => boolean): void {
    const round = this.#waiting;
    this.#waiting = new Set();
    for (const stream of round) {
      if (!mayGoOn() || stream.takeTurn()) this.#waiting.add(stream);
    }
  }
}
