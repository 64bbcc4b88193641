// All console sessions of a host. Those that nobody has signed in make room for newer ones, so that a stranger who
// loads the page again and again costs no more than a bounded table.
import { ConsoleSession, idleMs } from './console-session.ts';
import type { SessionOrigin } from './console-session.ts';

/** Sessions remembered at the same time. */
const maxSessions = 256;
/** How often idle ones are looked for, in milliseconds. */
const sweepMs = 15_000;

export class ConsoleSessions {
  readonly #now: () => number;
  readonly #sessions = new Set<ConsoleSession>();
  readonly #onForgotten = new Set<(session: ConsoleSession) => void>();
  readonly #timer: NodeJS.Timeout;

  constructor(now: () => number = Date.now) {
    this.#now = now;
    this.#timer = setInterval(() => this.sweep(), sweepMs).unref();
  }

  open(origin: SessionOrigin): ConsoleSession {
    const session = new ConsoleSession(origin, this.#now());
    this.#sessions.add(session);
    if (this.#sessions.size > maxSessions) this.#makeRoom(session);
    return session;
  }

  /** Told when a session is forgotten: whoever keeps something for it lets it go. */
  onForgotten(tell: (session: ConsoleSession) => void): void {
    this.#onForgotten.add(tell);
  }

  signOutAll(): void {
    for (const session of this.#sessions) session.signOut();
  }

  /** Signs out those that were idle for too long. */
  sweep(): void {
    const before = this.#now() - idleMs;
    for (const session of this.#sessions) {
      if (session.usedAt <= before) session.signOut();
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.signOutAll();
  }

  /** The one that was idle longest goes, one that is signed in only where all are. */
  #makeRoom(newest: ConsoleSession): void {
    const others = [...this.#sessions].filter((session) => session !== newest);
    const strangers = others.filter(({ signedIn }) => !signedIn);
    const [oldest] = (strangers.length > 0 ? strangers : others).sort((a, b) => a.usedAt - b.usedAt);
    if (oldest === undefined) return;
    this.#sessions.delete(oldest);
    oldest.signOut();
    for (const tell of this.#onForgotten) tell(oldest);
  }
}
