// The time of day as reactive state, told once a second while something on the page reads it and never otherwise.
import { createSubscriber } from 'svelte/reactivity';

const TICK_MS = 1000;

class Clock {
  readonly #read = createSubscriber((update) => {
    const timer = setInterval(update, TICK_MS);
    return () => clearInterval(timer);
  });

  /** Milliseconds since the epoch. */
  get now(): number {
    this.#read();
    return Date.now();
  }
}

export const clock = new Clock();
