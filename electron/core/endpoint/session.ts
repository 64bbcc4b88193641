// One session of a client with the service: an E2EE connection, or one plain stream. Its facts never
// change; what may change is whether it has been verified, and that it ends.
import type { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { CertificateRecord, RequestTiming, VerifiedBy } from '../../../shared/contracts/requests.ts';
import type { SessionTrust } from './policy.ts';

/** What a device session adds. */
export interface DeviceFacts {
  /** Null where a request was refused before its device had proved its key: then the rest is a claim. */
  readonly deviceId: string | null;
  /** The app's word. */
  readonly deviceName: string | null;
  /** SHA-256 of the device's public key (SPKI DER), lower-case hex; null where the request named none. */
  readonly fingerprint: string | null;
  readonly issuer: string | null;
  readonly subject: string | null;
}

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
    /** How long the handshake took, in milliseconds. */
    readonly handshakeMs: number;
  } | null;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  /** Of a device session, whose E2EE is its own. */
  readonly device?: DeviceFacts;
}

/** Which access token verified a session, and for whom. */
export interface Verification {
  readonly tokenId: string;
  readonly remoteUser: string;
}

/** Body bytes of one request, while it runs and when it is over. */
export interface CountedBytes {
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

export class EndpointSession implements SessionTrust {
  readonly facts: SessionFacts;
  readonly #close: (reason: GatehouseError) => void;
  readonly #onEnd = new Set<() => void>();
  readonly #running = new Set<CountedBytes>();
  #tellChange: () => void = () => undefined;
  #verification: Verification | null = null;
  #verifiedBy: VerifiedBy = 'none';
  #requests = 0;
  #bytesRead = 0;
  #bytesWritten = 0;
  #lastActiveAt: number;
  #handshakeMs: number | null;
  #verifyingSince = 0;
  #verificationMs: number | null = null;
  #ended = false;
  #endReason: GatehouseError | null = null;

  /** `close` tells the client why where the protocol can, and frees the connection. */
  constructor(facts: SessionFacts, close: (reason: GatehouseError) => void) {
    this.facts = facts;
    this.#close = close;
    this.#lastActiveAt = facts.startedAt;
    this.#handshakeMs = facts.tls?.handshakeMs ?? null;
  }

  get e2eeUsed(): boolean {
    return this.facts.tls !== null || this.#deviceVerified;
  }

  get sessionVerified(): boolean {
    return this.#verification !== null || this.#deviceVerified;
  }

  get #deviceVerified(): boolean {
    return (this.facts.device?.deviceId ?? null) !== null;
  }

  get verification(): Verification | null {
    return this.#verification;
  }

  /** The client's word on how it checked our certificate, from its latest request. */
  get verifiedBy(): VerifiedBy {
    return this.#verifiedBy;
  }

  /** Requests under way. */
  get running(): number {
    return this.#running.size;
  }

  /** Requests since the start, also those that were refused. */
  get requests(): number {
    return this.#requests;
  }

  /** Body bytes of all requests, also of those under way. */
  get bytesRead(): number {
    let sum = this.#bytesRead;
    for (const { bytesRead } of this.#running) sum += bytesRead;
    return sum;
  }

  get bytesWritten(): number {
    let sum = this.#bytesWritten;
    for (const { bytesWritten } of this.#running) sum += bytesWritten;
    return sum;
  }

  /** When a request last began or ended, in milliseconds since the epoch. */
  get lastActiveAt(): number {
    return this.#lastActiveAt;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Why the service ended the session; null where it did not. */
  get endReason(): GatehouseError | null {
    return this.#endReason;
  }

  verificationStarted(): void {
    this.#verifyingSince = performance.now();
  }

  verify(verification: Verification): void {
    this.#verification = verification;
    this.#verificationMs = performance.now() - this.#verifyingSince;
    this.#tellChange();
  }

  /** How long handshake and verification took: each is told once, so that it is on record with one request. */
  takeOpeningTimes(): Pick<RequestTiming, 'handshakeMs' | 'verificationMs'> {
    const times = { handshakeMs: this.#handshakeMs, verificationMs: this.#verificationMs };
    this.#handshakeMs = null;
    this.#verificationMs = null;
    return times;
  }

  requestStarted(request: CountedBytes, verifiedBy: VerifiedBy): void {
    this.#running.add(request);
    this.#requests += 1;
    if (this.e2eeUsed) this.#verifiedBy = verifiedBy;
    this.#lastActiveAt = Date.now();
    this.#tellChange();
  }

  requestFinished(request: CountedBytes): void {
    if (!this.#running.delete(request)) return;
    this.#bytesRead += request.bytesRead;
    this.#bytesWritten += request.bytesWritten;
    this.#lastActiveAt = Date.now();
    this.#tellChange();
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

  /** Told of each change of what can change, very often; there is one who is told. */
  onChange(tell: () => void): void {
    this.#tellChange = tell;
  }
}
