// From one HTTP request to one answer: policy, request log, handler, outcome, in this order.
// A request is on record before its handler runs, so nothing is done or answered that the log does not have.
import type { Readable } from 'node:stream';
import { asGatehouseError, GatehouseError } from '../../../shared/contracts/errors.ts';
import type { RequestOutcome, RequestRow } from '../../../shared/contracts/requests.ts';
import type { Settings } from '../../../shared/contracts/settings.ts';
import type { RejectionRow } from '../inspector/rows.ts';
import type { Rpc, ServiceContext } from '../rpc/rpc.ts';
import { callerOf } from './caller.ts';
import { jsonType, respondError, streamType, verifiedByOf } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import { openRpc, refusal } from './policy.ts';
import { RequestClock } from './request-clock.ts';
import { requestRow } from './request-rows.ts';
import type { RowSource } from './request-rows.ts';
import { readInput } from './rpc-input.ts';
import type { RpcInput } from './rpc-input.ts';
import type { EndpointSession } from './session.ts';
import { TappedExchange } from './tapped-exchange.ts';
import type { Tap } from './tapped-exchange.ts';

/** What the router needs of the request log. */
export interface RouterLog {
  nextId(): number;
  begin(row: RequestRow): Promise<void>;
  finish(id: number, outcome: RequestOutcome): void;
  reject(row: RejectionRow): void;
}

/** What the router needs of payload capture. */
export interface RouterCapture {
  /** For a request of this RPC that begins now; null where it is not captured. */
  tap(rpcName: string): Tap | null;
}

export interface RouterOptions extends RowSource {
  readonly rpcs: ReadonlyMap<string, Rpc>;
  readonly context: ServiceContext;
  readonly settings: () => Readonly<Settings>;
  readonly log: RouterLog;
  readonly capture?: RouterCapture | undefined;
}

/** What was refused, and why. */
export interface Rejection {
  /** Empty where it came before any request. */
  readonly rpcName: string;
  readonly error: GatehouseError;
  /** The access token that a client claimed and did not prove. */
  readonly tokenId?: string | null;
  /** Of a request in a device session. */
  readonly counter?: number | null;
}

const rpcPath = '/rpc/';
const maxRpcNameLength = 64;

export class Router {
  readonly #options: RouterOptions;
  #stopping = false;

  constructor(options: RouterOptions) {
    this.#options = options;
  }

  /** From now on every request is answered `shutting_down`. */
  stop(): void {
    this.#stopping = true;
  }

  /** Answers one request; never throws. */
  async handle(exchange: Exchange, session: EndpointSession): Promise<void> {
    const clock = new RequestClock();
    session.requestStarted(exchange, verifiedByOf(exchange));
    try {
      const rpc = this.#admit(exchange, session);
      await this.#capture(exchange, session, rpc, clock);
    } catch (error) {
      const coded = asGatehouseError(error);
      const { counter = null } = exchange;
      this.reject(session, { rpcName: rpcNameOf(exchange), error: coded, counter });
      respondError(exchange, coded);
    } finally {
      exchange.onClosed(() => {
        session.requestFinished(exchange);
      });
    }
  }

  /** Answers a request with what it was answered before, on record as one of its own; its RPC does not run. */
  async answerAgain(
    exchange: Exchange,
    session: EndpointSession,
    rpcName: string,
    { status, body }: { readonly status: number; readonly body: Buffer },
  ): Promise<void> {
    const clock = new RequestClock();
    const { log } = this.#options;
    const id = log.nextId();
    await log.begin(requestRow(this.#options, id, rpcName, session, exchange.counter ?? null));
    clock.onRecord();
    exchange.respond(status, jsonType, body);
    const { bytesRead, bytesWritten } = exchange;
    const { durationMs } = clock;
    const timing = clock.timing(session);
    const errorCode = errorCodeIn(status, body);
    const outcome = errorCode === null ? 'SUCCESS' : 'FAILED';
    log.finish(id, { status: outcome, durationMs, bytesRead, bytesWritten, errorCode, timing });
  }

  /** Puts a rejection on record. */
  reject(session: EndpointSession, { rpcName, error, tokenId = null, counter = null }: Rejection): void {
    const row = requestRow(this.#options, 0, rpcName, session, counter);
    this.#options.log.reject({
      ...row,
      tokenId: row.tokenId ?? tokenId,
      rejectionCode: error.code,
      rejectionMessage: error.message,
    });
  }

  /** The RPC that was asked for, if this session may call it now. */
  #admit(exchange: Exchange, session: EndpointSession): Rpc {
    if (this.#stopping)
      throw new GatehouseError('shutting_down', 'The service is stopping. Try again shortly.');
    const name = rpcNameOf(exchange);
    const refused = name === openRpc ? null : refusal(session, this.#options.settings());
    if (refused !== null) throw refused;
    const rpc = exchange.method === 'POST' ? this.#options.rpcs.get(name) : undefined;
    if (rpc === undefined) throw new GatehouseError('rpc_unknown', `This service has no RPC "${name}".`);
    return rpc;
  }

  /** Serves the request, seen by a tap where its RPC is being captured. */
  async #capture(exchange: Exchange, session: EndpointSession, rpc: Rpc, clock: RequestClock): Promise<void> {
    const tap = rpc.neverCaptured === true ? null : (this.#options.capture?.tap(rpc.name) ?? null);
    if (tap === null) {
      await this.#serve(exchange, session, rpc, clock);
      return;
    }
    let id: number | null = null;
    try {
      id = await this.#serve(new TappedExchange(exchange, tap), session, rpc, clock);
    } finally {
      tap.end(id);
    }
  }

  /** Returns the id of the request. @throws GatehouseError where it could not be put on record */
  async #serve(exchange: Exchange, session: EndpointSession, rpc: Rpc, clock: RequestClock): Promise<number> {
    const { log } = this.#options;
    const id = log.nextId();
    const input = readInput(exchange, rpc);
    input.catch(() => undefined); // awaited below, once the request is on record
    const aborted = new AbortController();
    exchange.onAborted(() => {
      aborted.abort();
    });
    await log.begin(requestRow(this.#options, id, rpc.name, session, exchange.counter ?? null));
    clock.onRecord();
    /** Why there is nobody to answer any more; null while there is somebody. */
    const gone = (): GatehouseError | null =>
      aborted.signal.aborted || session.ended ? (session.endReason ?? cancelled()) : null;
    const failure = await this.#execute(exchange, rpc, {
      ...{ input, signal: aborted.signal, gone, clock, session },
    });
    const { bytesRead, bytesWritten } = exchange;
    const status = failure === null ? 'SUCCESS' : gone() === null ? statusOfFailure(failure) : 'CANCELLED';
    const { durationMs } = clock;
    const timing = clock.timing(session);
    log.finish(id, { status, durationMs, bytesRead, bytesWritten, errorCode: failure?.code ?? null, timing });
    return id;
  }

  /** Runs the handler and sends its answer; what went wrong, or null. */
  async #execute(
    exchange: Exchange,
    rpc: Rpc,
    { input, signal, gone, clock, session }: Running,
  ): Promise<GatehouseError | null> {
    let streaming: Readable | null = null;
    try {
      const call = {
        ...(await input),
        signal,
        context: { ...this.#options.context, caller: callerOf(session) },
      };
      if (gone() !== null) throw cancelled();
      clock.handling();
      const answer = await rpc.run(call);
      clock.handled();
      if ('stream' in answer) {
        streaming = answer.stream;
        await exchange.stream(streamType, streaming, () => clock.answering());
        // A session that is ended ends its streams without an error: what was cut off must not look complete.
        if (gone() !== null) throw cancelled();
      } else if (gone() !== null) throw cancelled();
      else {
        const body = Buffer.from(JSON.stringify(answer.json));
        clock.answering();
        exchange.respond(200, jsonType, body);
      }
      clock.answered();
      return null;
    } catch (error) {
      clock.handled();
      const leftAlone = gone();
      const failure = leftAlone ?? failureOf(error, rpc);
      if (streaming === null && leftAlone === null) respondError(exchange, failure);
      else exchange.abort();
      streaming?.destroy(); // after the abort, so that it is the abort that the caller sees
      return failure;
    }
  }
}

interface Running {
  readonly input: Promise<RpcInput>;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
  /** Whether nobody waits for the answer any more. */
  readonly gone: () => GatehouseError | null;
  readonly clock: RequestClock;
  readonly session: EndpointSession;
}

/** What the path names, for the policy and for the log; bounded, and empty where it names no RPC. */
function rpcNameOf({ path }: Exchange): string {
  const name = path.startsWith(rpcPath) ? path.slice(rpcPath.length) : '';
  return /^[a-z][a-z0-9_.-]*$/.test(name) ? name.slice(0, maxRpcNameLength) : '';
}

function cancelled(): GatehouseError {
  return new GatehouseError('cancelled', 'The caller went away.');
}

/** What an unforeseen error says stays here: it may name paths, or worse. */
function failureOf(cause: unknown, { name }: Rpc): GatehouseError {
  if (cause instanceof GatehouseError) return cause;
  return new GatehouseError('rpc_failed', `The RPC "${name}" failed at the service.`, { cause });
}

/** Of an answer as `respondError` gives it; null where it is none. */
function errorCodeIn(status: number, body: Buffer): string | null {
  if (status === 200) return null;
  return (JSON.parse(body.toString('utf8')) as { error: { code: string } }).error.code;
}

function statusOfFailure({ code }: GatehouseError): RequestOutcome['status'] {
  if (code === 'cancelled') return 'CANCELLED';
  return code === 'timeout' ? 'TIMED_OUT' : 'FAILED';
}
