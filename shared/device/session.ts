// What an app talks through: one session after another, each begun when the last is used up. A request that may be done
// again is retried under its own id. One that may not is sent again once, under its own id, after SESSION_EXPIRED, since the
// agent does no id twice; it ends in RESULT_UNKNOWN where no authentic answer came, whatever the relay says about it.
import { GatehouseError, type ErrorCode } from '../contracts/errors.ts';
import type { AppSession } from './app-session.ts';
import { exchange } from './exchange.ts';
import { isAgentError, newRequestId, type RequestPayload } from './payload.ts';
import type { RelayApi } from './relay-api.ts';
import type { StreamedAnswer } from './streamed-answer.ts';

export interface RequestOptions {
  /** True where doing it twice does no harm, and the agent says so too: it is retried by itself. */
  readonly idempotent?: boolean;
  readonly signal?: AbortSignal;
}

/** Sendings of one request: of one that may be done twice, and of any other. */
const maxAttempts = { idempotent: 3, other: 2 };
/** Share of the requests after which the next session is begun ahead. */
const aheadShare = 0.9;
/** Below this many requests a session is not worth beginning ahead. */
const aheadFrom = 100;

/** What a retry can help against. */
const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'SESSION_EXPIRED',
  'SESSION_UNKNOWN',
  'REQUEST_REPLAYED',
  'REQUEST_NOT_AUTHENTIC',
  'ANSWER_NOT_AUTHENTIC',
  'oidc_token_rejected',
  'truncated',
  'relay_unreachable',
]);
/** What says that the session is no use any more. */
const sessionGone: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'SESSION_EXPIRED',
  'SESSION_UNKNOWN',
  'REQUEST_NOT_AUTHENTIC',
]);

export class Session {
  readonly #api: RelayApi;
  readonly #start: () => Promise<AppSession>;
  readonly #listeners = new Set<() => void>();
  #current: AppSession;
  #next: Promise<AppSession> | null = null;
  #renewing: Promise<void> | null = null;
  #closed = false;

  /** Made by `Device.login`, which has started the first session. */
  constructor(api: RelayApi, first: AppSession, start: () => Promise<AppSession>) {
    this.#api = api;
    this.#current = first;
    this.#start = start;
  }

  /** Of the session that is current; it changes when a new one is begun. */
  get sessionId(): string {
    return this.#current.sessionId;
  }

  /** Age of the current session, its requests and their limits. */
  get facts(): { readonly ageMs: number; readonly requests: number; readonly limits: AppSession['limits'] } {
    const { ageMs, requests, limits } = this.#current;
    return { ageMs, requests, limits };
  }

  /** Told of each request and each new session. Returns the unsubscribe. */
  onChange(tell: () => void): () => void {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  }

  /**
   * The payload of the agent's answer.
   * @throws GatehouseError the agent's error (`isAgentError`); `RESULT_UNKNOWN`; what kept a new session from starting;
   * for an idempotent request what its last attempt ended with
   */
  async request(payloadType: string, payload?: unknown, options: RequestOptions = {}): Promise<unknown> {
    const answer = await this.stream(payloadType, payload, options);
    for await (const bytes of answer.body) {
      if (bytes.length > 0)
        throw new GatehouseError('usage', 'This answer has a body. Read it with stream().');
    }
    return answer.payload;
  }

  /** As `request`, for answers with a body; errors after the head come out of the body, and are not retried. */
  async stream(
    payloadType: string,
    payload?: unknown,
    options: RequestOptions = {},
  ): Promise<StreamedAnswer> {
    const { idempotent = false } = options;
    let request: RequestPayload = { payloadType, payload, requestId: newRequestId() };
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(request, options);
      } catch (error) {
        if (!(error instanceof Undelivered)) throw idempotent || attempt === 1 ? error : unknownAfter(error);
        const { reason, sessionId } = error;
        if (!mayResend(reason.code, attempt, idempotent)) throw idempotent ? reason : unknown(reason);
        if (reason.code === 'oidc_token_rejected') await this.#api.renewToken();
        request = { ...request, firstSession: request.firstSession ?? sessionId };
      }
    }
  }

  /** Drops all keys. Answers that are owed do not come any more. */
  close(): void {
    this.#closed = true;
    this.#current.end();
    void this.#next?.then((session) => session.end());
    this.#next = null;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** One sending. @throws Undelivered where no authentic answer came after it may have gone out */
  async #attempt(request: RequestPayload, { signal }: RequestOptions): Promise<StreamedAnswer> {
    const { session, counter } = await this.#claim();
    this.#changed();
    try {
      return await exchange(this.#api, session, counter, request, signal);
    } catch (error) {
      if (!(error instanceof GatehouseError)) throw error;
      if (sessionGone.has(error.code)) session.expire();
      if (isAgentError(error) || error.code === 'cancelled' || error.code === 'rpc_too_large') throw error;
      throw new Undelivered(error, session.sessionId);
    }
  }

  /** A counter of a session that has one left, with a new session where it takes one. */
  async #claim(): Promise<{ readonly session: AppSession; readonly counter: number }> {
    for (;;) {
      if (this.#closed) throw new GatehouseError('session_ended', 'This session was closed.');
      const session = this.#current;
      const counter = session.take();
      if (counter !== null) {
        this.#lookAhead(session);
        return { session, counter };
      }
      this.#renewing ??= this.#renew().finally(() => (this.#renewing = null));
      await this.#renewing;
    }
  }

  async #renew(): Promise<void> {
    const ahead = this.#next;
    this.#next = null;
    // One that failed ahead of time is tried again here, where somebody waits for the error.
    const ready = await ahead?.catch(() => null);
    if (ready?.usable === false) ready.end();
    const session = ready?.usable === true ? ready : await this.#start();
    this.#current.expire();
    if (this.#closed) session.end();
    else this.#current = session;
    this.#changed();
  }

  #lookAhead({ requests, limits }: AppSession): void {
    if (this.#next !== null || limits.requests < aheadFrom || requests < limits.requests * aheadShare) return;
    this.#next = this.#start();
    // Whoever needs it sees the error; until then nobody listens.
    this.#next.catch(() => {});
  }

  #changed(): void {
    for (const tell of this.#listeners) tell();
  }
}

/** The request may have been delivered, and no authentic answer came. */
class Undelivered extends Error {
  readonly reason: GatehouseError;
  readonly sessionId: string;

  constructor(reason: GatehouseError, sessionId: string) {
    super(reason.message);
    this.reason = reason;
    this.sessionId = sessionId;
  }
}

function mayResend(code: ErrorCode, attempt: number, idempotent: boolean): boolean {
  if (idempotent) return attempt < maxAttempts.idempotent && passing.has(code);
  return attempt < maxAttempts.other && code === 'SESSION_EXPIRED';
}

/** What kept a request from being sent again says nothing about its first sending. */
function unknownAfter(error: unknown): unknown {
  if (!(error instanceof GatehouseError) || isAgentError(error) || error.code === 'cancelled') return error;
  return unknown(error);
}

function unknown(reason: GatehouseError): GatehouseError {
  const message = `It is not known whether the agent did this: no authentic answer came (${reason.code}). Look before you do it again.`;
  return new GatehouseError('RESULT_UNKNOWN', message, { cause: reason, details: { reason: reason.code } });
}
