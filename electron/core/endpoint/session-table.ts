// The sessions that are live now, with the limits on how many there may be.
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { EndpointSession } from './session.ts';

export interface SessionLimits {
  /** Live sessions and opening ones together. */
  readonly maxSessions: number;
  /** Of one client id. */
  readonly maxSessionsPerClient: number;
}

export const defaultSessionLimits: SessionLimits = { maxSessions: 2048, maxSessionsPerClient: 1024 };

export class SessionTable {
  readonly #limits: SessionLimits;
  readonly #sessions = new Set<EndpointSession>();
  readonly #places = new Map<string, number>();
  readonly #listeners = new Set<() => void>();
  #taken = 0;

  constructor(limits: SessionLimits = defaultSessionLimits) {
    this.#limits = limits;
  }

  /**
   * Takes a place for a session that is about to open; the returned function gives it back.
   * @throws GatehouseError `limit_exceeded`
   */
  takePlace(clientId: string): () => void {
    const ofClient = this.#places.get(clientId) ?? 0;
    if (this.#taken >= this.#limits.maxSessions || ofClient >= this.#limits.maxSessionsPerClient) {
      throw new GatehouseError('limit_exceeded', 'The service has too many sessions open. Try again later.');
    }
    this.#taken += 1;
    this.#places.set(clientId, ofClient + 1);
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#taken -= 1;
      const left = (this.#places.get(clientId) ?? 1) - 1;
      if (left === 0) this.#places.delete(clientId);
      else this.#places.set(clientId, left);
    };
  }

  add(session: EndpointSession): void {
    this.#sessions.add(session);
    session.onChange(this.#changed);
    session.onEnd(() => {
      this.#sessions.delete(session);
      this.#changed();
    });
    this.#changed();
  }

  /** Told at once of each session that begins, changes or ends: with every request. Returns the unsubscribe. */
  onChange(tell: () => void): () => void {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  }

  live(): readonly EndpointSession[] {
    return [...this.#sessions];
  }

  /** @throws GatehouseError `session_unknown` */
  end(id: string, reason: GatehouseError): void {
    const session = this.live().find(({ facts }) => facts.id === id);
    if (session === undefined) {
      throw new GatehouseError(
        'session_unknown',
        'There is no live session with this id. It may have ended by itself.',
      );
    }
    session.end(reason);
  }

  /** Ends each session for which `judge` has a reason. */
  endWhere(judge: (session: EndpointSession) => GatehouseError | null): void {
    for (const session of this.live()) {
      const reason = judge(session);
      if (reason !== null) session.end(reason);
    }
  }

  readonly #changed = (): void => {
    for (const tell of this.#listeners) tell();
  };
}
