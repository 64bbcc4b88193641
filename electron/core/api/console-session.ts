// Who is at the console: one browser (all its tabs), or the desktop window. A session is there before anybody has
// signed in, and it stays when it is signed out; it never holds a password.
import { randomUUID } from 'node:crypto';

/** A signed-in session without a call for so long is signed out, in milliseconds. */
export const idleMs = 30 * 60_000;

export interface SessionOrigin {
  /** Whose wrong passwords count together, for example an address. */
  readonly source: string;
  /** Where somebody sits: `browser 127.0.0.1`, `desktop`. */
  readonly place: string;
}

export class ConsoleSession {
  readonly id = randomUUID();
  /** As the audit log names whoever has the password here: `administrator (browser 127.0.0.1)`. */
  readonly administrator: string;
  readonly #place: string;
  readonly #origin: string;
  readonly #listeners = new Set<() => void>();
  #signedIn = false;
  #proven = false;
  #usedAt: number;

  constructor({ source, place }: SessionOrigin, now: number) {
    this.#origin = source;
    this.administrator = `administrator (${place})`;
    this.#place = place;
    this.#usedAt = now;
  }

  get signedIn(): boolean {
    return this.#signedIn;
  }

  /** As the audit log names whoever calls: the place alone until somebody has signed in. */
  get actor(): string {
    return this.#signedIn ? this.administrator : this.#place;
  }

  /**
   * Whose wrong passwords count together. Whoever has given the right one before stands alone, so that nobody who
   * shares the address can make that person wait.
   */
  get source(): string {
    return this.#proven ? `session ${this.id}` : this.#origin;
  }

  /** Milliseconds since the epoch. */
  get usedAt(): number {
    return this.#usedAt;
  }

  touch(now: number): void {
    this.#usedAt = now;
  }

  signIn(): void {
    this.#proven = true;
    this.#set(true);
  }

  signOut(): void {
    this.#set(false);
  }

  /** Told when it has been signed in or out. Returns the unsubscribe. */
  onChange(tell: () => void): () => void {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  }

  #set(signedIn: boolean): void {
    if (this.#signedIn === signedIn) return;
    this.#signedIn = signedIn;
    for (const tell of [...this.#listeners]) tell();
  }
}
