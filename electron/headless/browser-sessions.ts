// Which console session a browser's cookie stands for. Only a hash of each cookie is kept; a cookie that was good
// before somebody signed in is no good after it.
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Console } from '../core/api/console.ts';
import type { ConsoleSession } from '../core/api/console-session.ts';

const cookieBytes = 32;
/** Browsers keep cookies of all ports of a name together: two consoles on one machine must not share one. */
const cookieName = (port: number): string => `__Host-gatehouse-${port}`;

export interface Visit {
  readonly session: ConsoleSession;
  /** A Set-Cookie header that belongs into the answer; null where the browser has it. */
  readonly setCookie: string | null;
}

export class BrowserSessions {
  readonly #console: Console;
  readonly #name: string;
  readonly #sessions = new Map<string, ConsoleSession>();

  constructor(console: Console, port: number) {
    this.#console = console;
    this.#name = cookieName(port);
    console.onForgotten((session) => this.#forget(session));
  }

  /** The session that the request's cookie names; null where there is none. */
  find(request: IncomingMessage): ConsoleSession | null {
    const cookie = cookieOf(request, this.#name);
    return cookie === null ? null : (this.#sessions.get(hashOf(cookie)) ?? null);
  }

  /** As `find`; where there is none, a new one that nobody has signed in. */
  visit(request: IncomingMessage): Visit {
    const session = this.find(request);
    if (session !== null) return { session, setCookie: null };
    const address = addressOf(request);
    const opened = this.#console.openSession({ source: address, place: `browser ${address}` });
    return { session: opened, setCookie: this.#newCookie(opened) };
  }

  /** A new cookie for a session that has just been signed in; the one it had names nothing any more. */
  renew(session: ConsoleSession): string {
    this.#forget(session);
    return this.#newCookie(session);
  }

  #newCookie(session: ConsoleSession): string {
    const value = randomBytes(cookieBytes).toString('base64url');
    this.#sessions.set(hashOf(value), session);
    return `${this.#name}=${value}; Path=/; Secure; HttpOnly; SameSite=Strict`;
  }

  #forget(session: ConsoleSession): void {
    for (const [hash, each] of this.#sessions) if (each === session) this.#sessions.delete(hash);
  }
}

/** The address at the other end, as people write it. */
export function addressOf(request: IncomingMessage): string {
  return (request.socket.remoteAddress ?? 'unknown').replace(/^::ffff:/, '');
}

/** The last one where it is sent twice is not looked for: the first is the browser's own. */
function cookieOf(request: IncomingMessage, name: string): string | null {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const [key, value] = part.trim().split('=', 2);
    if (key === name && value !== undefined) return value;
  }
  return null;
}

function hashOf(cookie: string): string {
  return createHash('sha256').update(cookie, 'utf8').digest('base64url');
}
