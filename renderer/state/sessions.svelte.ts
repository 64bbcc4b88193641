// The sessions page: who is connected now, sorted, chosen by keyboard, and ended. Must never show an ended session as
// a live one: the one that was chosen stays in the detail, marked as ended.
import { GatehouseError } from '../../shared/contracts/errors.ts';
import type { SessionsView, SessionView } from '../../shared/contracts/console/models.ts';
import type { Service } from './task.svelte.ts';

export const sessionColumns = ['client', 'verified', 'tls', 'requests', 'running', 'bytes', 'age'] as const;
export type SessionColumn = (typeof sessionColumns)[number];

/** How well a session is protected, best first: verified, encrypted alone, neither. */
export type Protection = 'verified' | 'encrypted' | 'plain';

export function protectionOf(session: SessionView): Protection {
  if (!session.e2eeUsed) return 'plain';
  return session.sessionVerified ? 'verified' : 'encrypted';
}

export function bytesOf(session: SessionView): number {
  return session.bytesRead + session.bytesWritten;
}

const protectionOrder: Readonly<Record<Protection, number>> = { verified: 0, encrypted: 1, plain: 2 };

type Compare = (a: SessionView, b: SessionView) => number;
const compare: Readonly<Record<SessionColumn, Compare>> = {
  client: (a, b) => nameOf(a).localeCompare(nameOf(b)),
  verified: (a, b) => protectionOrder[protectionOf(a)] - protectionOrder[protectionOf(b)],
  tls: (a, b) => tlsOf(a).localeCompare(tlsOf(b)),
  requests: (a, b) => a.requests - b.requests,
  running: (a, b) => a.running - b.running,
  bytes: (a, b) => bytesOf(a) - bytesOf(b),
  // The older session started earlier.
  age: (a, b) => b.startedAt - a.startedAt,
};

function nameOf(session: SessionView): string {
  return session.remoteUser ?? session.clientId;
}

function tlsOf(session: SessionView): string {
  return `${session.tlsVersion ?? ''} ${session.cipher ?? ''}`;
}

export class SessionsState {
  sortBy = $state<SessionColumn>('age');
  descending = $state(false);
  selectedId = $state<string | null>(null);
  /** The session that a person wants to end and has not confirmed yet. */
  ending = $state.raw<SessionView | null>(null);
  readonly #service: Service;
  /** The chosen one as it was last seen. */
  #last = $state.raw<SessionView | null>(null);
  readonly rows = $derived.by(() => this.#sorted());
  readonly #live = $derived.by(() => this.rows.find((row) => row.id === this.selectedId) ?? null);

  constructor(service: Service) {
    this.#service = service;
  }

  get view(): SessionsView | undefined {
    return this.#service.topic('sessions');
  }

  /** The chosen session, and whether it has ended meanwhile. */
  get selected(): { readonly session: SessionView; readonly ended: boolean } | null {
    if (this.selectedId === null) return null;
    if (this.#live !== null) return { session: this.#live, ended: false };
    return this.#last?.id === this.selectedId ? { session: this.#last, ended: true } : null;
  }

  sort(column: SessionColumn): void {
    if (this.sortBy === column) this.descending = !this.descending;
    else {
      this.sortBy = column;
      this.descending = column === 'requests' || column === 'running' || column === 'bytes';
    }
  }

  select(id: string | null): void {
    this.selectedId = id;
    this.#last = this.rows.find((row) => row.id === id) ?? null;
  }

  /** Keeps what was last seen of the chosen session: call it when the topic has changed. */
  remember(): void {
    if (this.#live !== null) this.#last = this.#live;
  }

  /** Moves the selection; a large `by` goes to the end. */
  move(by: number): void {
    if (this.rows.length === 0) return;
    const at = this.rows.findIndex((row) => row.id === this.selectedId);
    const from = at === -1 ? (by > 0 ? -1 : this.rows.length) : at;
    const to = Math.min(Math.max(from + by, 0), this.rows.length - 1);
    this.select(this.rows[to]?.id ?? null);
  }

  askToEnd(session: SessionView): void {
    this.ending = session;
  }

  /** A session that is gone already counts as ended. Rejects with a GatehouseError. */
  async end(): Promise<void> {
    const session = this.ending;
    if (session === null) return;
    try {
      await this.#service.call('sessions.end', { id: session.id });
    } catch (error) {
      if (!(error instanceof GatehouseError) || error.code !== 'session_unknown') throw error;
    }
    this.ending = null;
  }

  #sorted(): SessionView[] {
    const by = compare[this.sortBy];
    const sign = this.descending ? -1 : 1;
    // The id decides between equals, so that rows do not swap places as numbers arrive.
    return [...(this.view?.sessions ?? [])].sort((a, b) => sign * by(a, b) || (a.id < b.id ? -1 : 1));
  }
}
