// One session of a client with the service: an E2EE connection, or one plain stream. Its facts never
// change; what may change is whether it has been verified, and that it ends.
import type { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { CertificateRecord } from '../../../shared/contracts/requests.ts';
import type { SessionTrust } from './policy.ts';

export interface SessionFacts {
  /** Random; names the session in the request log. */
  readonly id: string;
  /** The relay's word. */
  readonly clientId: string;
  readonly h2: boolean;
  /** null without E2EE. */
  readonly tls: {
    readonly version: string;
    readonly cipher: string;
    readonly certificate: CertificateRecord;
  } | null;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

/** Which access token verified a session, and for whom. */
export interface Verification {
  readonly tokenId: string;
  readonly remoteUser: string;
}

export class EndpointSession implements SessionTrust {
  readonly facts: SessionFacts;
  readonly #close: (reason: GatehouseError) => void;
  readonly #onEnd = new Set<() => void>();
  #verification: Verification | null = null;
  #running = 0;
  #requests = 0;
  #ended = false;
  #endReason: GatehouseError | null = null;

  /** `close` tells the client why where the protocol can, and frees the connection. */
  constructor(facts: SessionFacts, close: (reason: GatehouseError) => void) {
    this.facts = facts;
    this.#close = close;
  }

  get e2eeUsed(): boolean {
    return this.facts.tls !== null;
  }

  get sessionVerified(): boolean {
    return this.#verification !== null;
  }

  get verification(): Verification | null {
    return this.#verification;
  }

  /** Requests under way. */
  get running(): number {
    return this.#running;
  }

  /** Requests since the start, also those that were refused. */
  get requests(): number {
    return this.#requests;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Why the service ended the session; null where it did not. */
  get endReason(): GatehouseError | null {
    return this.#endReason;
  }

  verify(verification: Verification): void {
    this.#verification = verification;
  }

  requestStarted(): void {
    this.#running += 1;
    this.#requests += 1;
  }

  requestFinished(): void {
    this.#running -= 1;
  }

  /** Ends the session and all that runs in it. */
  end(reason: GatehouseError): void {
    if (this.#ended) return;
    this.#endReason = reason;
    this.#close(reason);
    this.closed();
  }

  /** The connection is gone. */
  closed(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const tell of this.#onEnd) tell();
  }

  onEnd(tell: () => void): void {
    this.#onEnd.add(tell);
  }
}
