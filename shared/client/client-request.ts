// One request as the client saw it, for `client.requests` and `service.requests`.
// Must never hold arguments, bodies or credentials.
import type { ErrorCode, GatehouseError } from '../contracts/errors.ts';
import type { RequestStatus } from '../contracts/requests.ts';
import { E2EEInformation } from './e2ee-information.ts';
import type { E2EEInformationJson, SessionFacts } from './e2ee-information.ts';
import type { BodyMeter } from './whole-exchange.ts';

/** What `JSON.stringify` makes of it. */
export interface ClientRequestJson {
  readonly rpcName: string;
  readonly status: RequestStatus;
  readonly errorCode?: ErrorCode;
  readonly clientId: string;
  readonly serviceId: string;
  readonly sentAt: string;
  readonly durationMs: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly h2MultiplexingUsed: boolean;
  readonly e2ee: E2EEInformationJson;
}

const statuses: Partial<Record<ErrorCode, RequestStatus>> = {
  cancelled: 'CANCELLED',
  timeout: 'TIMED_OUT',
  truncated: 'INTERRUPTED',
  session_ended: 'INTERRUPTED',
  e2ee_required: 'REJECTED',
  access_token_required: 'REJECTED',
  access_token_rejected: 'REJECTED',
  not_authorised: 'REJECTED',
  rpc_unknown: 'REJECTED',
  log_unavailable: 'REJECTED',
  shutting_down: 'REJECTED',
  limit_exceeded: 'REJECTED',
};

export class ClientRequest implements BodyMeter {
  readonly rpcName: string;
  readonly h2MultiplexingUsed: boolean;
  readonly #facts: SessionFacts;
  readonly #sessionVerified: boolean;
  readonly #sentAt = Date.now();
  readonly #start = performance.now();
  #durationMs: number | null = null;
  #status: RequestStatus = 'RUNNING';
  #errorCode: ErrorCode | undefined;
  #bytesRead = 0;
  #bytesWritten = 0;

  constructor(rpcName: string, facts: SessionFacts, h2: boolean, sessionVerified: boolean) {
    this.rpcName = rpcName;
    this.h2MultiplexingUsed = h2;
    this.#facts = facts;
    this.#sessionVerified = sessionVerified;
  }

  get status(): RequestStatus {
    return this.#status;
  }

  /** Why it did not succeed; undefined where it did, or runs. */
  get errorCode(): ErrorCode | undefined {
    return this.#errorCode;
  }

  /** The relay's word. */
  get clientId(): string {
    return this.#facts.clientId;
  }

  get serviceId(): string {
    return this.#facts.serviceId;
  }

  get sentAt(): Date {
    return new Date(this.#sentAt);
  }

  /** Until now where it runs. */
  get durationMs(): number {
    return this.#durationMs ?? performance.now() - this.#start;
  }

  /** Body bytes that came from the service. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Body bytes that were handed to the connection for the service. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** How it was protected. */
  get e2ee(): E2EEInformation {
    return new E2EEInformation(this.toString(), this.#facts, this.#sessionVerified);
  }

  /** For the library alone, as the two below. */
  countRead(bytes: number): void {
    this.#bytesRead += bytes;
  }

  countWritten(bytes: number): void {
    this.#bytesWritten += bytes;
  }

  finish(error: GatehouseError | null): void {
    if (this.#durationMs !== null) return;
    this.#durationMs = performance.now() - this.#start;
    this.#status = error === null ? 'SUCCESS' : (statuses[error.code] ?? 'FAILED');
    this.#errorCode = error?.code;
  }

  toString(): string {
    return `ClientRequest(status='${this.#status}', rpc_name='${this.rpcName}')`;
  }

  toJSON(): ClientRequestJson {
    return {
      rpcName: this.rpcName,
      status: this.#status,
      ...(this.#errorCode === undefined ? {} : { errorCode: this.#errorCode }),
      clientId: this.clientId,
      serviceId: this.serviceId,
      sentAt: this.sentAt.toISOString(),
      durationMs: Math.round(this.durationMs * 1000) / 1000,
      bytesRead: this.#bytesRead,
      bytesWritten: this.#bytesWritten,
      h2MultiplexingUsed: this.h2MultiplexingUsed,
      e2ee: this.e2ee.toJSON(),
    };
  }
}

/** The newest requests, oldest first; never more than its limit. */
export class RequestList {
  readonly #limit: number;
  readonly #requests: ClientRequest[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  get all(): readonly ClientRequest[] {
    return this.#requests;
  }

  add(request: ClientRequest): void {
    this.#requests.push(request);
    if (this.#requests.length > this.#limit) this.#requests.shift();
  }
}
