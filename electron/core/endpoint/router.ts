// From one HTTP request to one answer: policy, request log, handler, outcome, in this order.
// A request is on record before its handler runs, so nothing is done or answered that the log does not have.
import type { Readable } from 'node:stream';
import { asGatehouseError, GatehouseError } from '../../../shared/contracts/errors.ts';
import type { RequestOutcome, RequestRow, VerifiedBy } from '../../../shared/contracts/requests.ts';
import type { Settings } from '../../../shared/contracts/settings.ts';
import type { RejectionRow } from '../inspector/rows.ts';
import type { Rpc, RpcContext } from '../rpc/rpc.ts';
import { maxArgsLength, parseArgs, readBody } from './body.ts';
import { jsonType, respondError, streamType } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import { openRpc, refusal } from './policy.ts';
import type { EndpointSession, SessionFacts } from './session.ts';

/** What the router needs of the request log. */
export interface RouterLog {
  nextId(): number;
  begin(row: RequestRow): Promise<void>;
  finish(id: number, outcome: RequestOutcome): void;
  reject(row: RejectionRow): void;
}

export interface RouterOptions {
  readonly rpcs: ReadonlyMap<string, Rpc>;
  readonly context: RpcContext;
  readonly settings: () => Readonly<Settings>;
  readonly log: RouterLog;
  readonly serviceId: string;
  /** The relay's word. */
  readonly domainName: () => string;
}

/** What was refused, and why. */
export interface Rejection {
  /** Empty where it came before any request. */
  readonly rpcName: string;
  readonly error: GatehouseError;
  readonly exchange?: Exchange;
  /** The access token that a client claimed and did not prove. */
  readonly tokenId?: string | null;
}

const rpcPath = '/rpc/';
const maxRpcNameLength = 64;
/** JSON in the `gatehouse-args` header, in characters of base64url. */
const maxArgsHeaderLength = 8 * 1024;

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
    session.requestStarted();
    try {
      const rpc = this.#admit(exchange, session);
      await this.#serve(exchange, session, rpc);
    } catch (error) {
      const coded = asGatehouseError(error);
      this.reject(session, { rpcName: rpcNameOf(exchange), error: coded, exchange });
      respondError(exchange, coded);
    } finally {
      exchange.onClosed(() => {
        session.requestFinished();
      });
    }
  }

  /** Puts a rejection on record. */
  reject(session: EndpointSession, rejection: Rejection): void {
    const { rpcName, error, exchange = null, tokenId = null } = rejection;
    const row = { ...this.#row(0, rpcName, session, verifiedByOf(exchange)) };
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

  async #serve(exchange: Exchange, session: EndpointSession, rpc: Rpc): Promise<void> {
    const { log } = this.#options;
    const id = log.nextId();
    const start = performance.now();
    const input = readInput(exchange, rpc);
    input.catch(() => undefined); // awaited below, once the request is on record
    const aborted = new AbortController();
    exchange.onAborted(() => {
      aborted.abort();
    });
    await log.begin(this.#row(id, rpc.name, session, verifiedByOf(exchange)));
    /** Why there is nobody to answer any more; null while there is somebody. */
    const gone = (): GatehouseError | null =>
      aborted.signal.aborted || session.ended ? (session.endReason ?? cancelled()) : null;
    const failure = await this.#execute(exchange, rpc, { input, signal: aborted.signal, gone });
    const { bytesRead, bytesWritten } = exchange;
    const status = failure === null ? 'SUCCESS' : gone() === null ? statusOfFailure(failure) : 'CANCELLED';
    const durationMs = performance.now() - start;
    log.finish(id, { status, durationMs, bytesRead, bytesWritten, errorCode: failure?.code ?? null });
  }

  /** Runs the handler and sends its answer; what went wrong, or null. */
  async #execute(
    exchange: Exchange,
    rpc: Rpc,
    { input, signal, gone }: Running,
  ): Promise<GatehouseError | null> {
    let streaming: Readable | null = null;
    try {
      const call = { ...(await input), signal, context: this.#options.context };
      if (gone() !== null) throw cancelled();
      const answer = await rpc.run(call);
      if ('stream' in answer) {
        streaming = answer.stream;
        await exchange.stream(streamType, streaming);
        // A session that is ended ends its streams without an error: what was cut off must not look complete.
        if (gone() !== null) throw cancelled();
      } else if (gone() !== null) throw cancelled();
      else exchange.respond(200, jsonType, Buffer.from(JSON.stringify(answer.json)));
      return null;
    } catch (error) {
      const leftAlone = gone();
      const failure = leftAlone ?? failureOf(error, rpc);
      if (streaming === null && leftAlone === null) respondError(exchange, failure);
      else exchange.abort();
      streaming?.destroy(); // after the abort, so that it is the abort that the caller sees
      return failure;
    }
  }

  #row(id: number, rpcName: string, session: EndpointSession, verifiedBy: VerifiedBy): RequestRow {
    const { facts, verification } = session;
    return {
      id,
      rpcName,
      clientId: facts.clientId,
      serviceId: this.#options.serviceId,
      domainName: this.#options.domainName(),
      sentAt: Date.now(),
      h2MultiplexingUsed: facts.h2,
      sessionVerified: verification !== null,
      tokenId: verification?.tokenId ?? null,
      remoteUser: verification?.remoteUser ?? null,
      ...e2eeFields(facts, verifiedBy),
    };
  }
}

type E2eeFields = Pick<
  RequestRow,
  'e2eeUsed' | 'verifiedBy' | 'tlsVersion' | 'cipher' | 'certificate' | 'sessionId'
>;

const withoutE2ee: E2eeFields = {
  e2eeUsed: false,
  verifiedBy: 'none',
  tlsVersion: null,
  cipher: null,
  certificate: null,
  sessionId: null,
};

function e2eeFields({ id, tls }: SessionFacts, verifiedBy: VerifiedBy): E2eeFields {
  if (tls === null) return withoutE2ee;
  const { version, cipher, certificate } = tls;
  return { e2eeUsed: true, verifiedBy, tlsVersion: version, cipher, certificate, sessionId: id };
}

interface RpcInput {
  readonly args: unknown;
  readonly body: Readable | null;
}

interface Running {
  readonly input: Promise<RpcInput>;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
  /** Whether nobody waits for the answer any more. */
  readonly gone: () => GatehouseError | null;
}

async function readInput(exchange: Exchange, rpc: Rpc): Promise<RpcInput> {
  const isStream = mediaTypeOf(exchange) === streamType;
  if (isStream && !rpc.takesStream) {
    throw new GatehouseError('rpc_bad_request', `The RPC "${rpc.name}" takes JSON, not a stream.`);
  }
  if (!isStream) return { args: parseArgs(await readBody(exchange, maxArgsLength)), body: null };
  return { args: argsHeader(exchange), body: exchange.body };
}

function argsHeader(exchange: Exchange): unknown {
  const text = exchange.header('gatehouse-args') ?? '';
  if (text.length > maxArgsHeaderLength) {
    throw new GatehouseError('rpc_too_large', 'The header gatehouse-args is larger than 8 KiB.');
  }
  if (!/^[A-Za-z0-9_-]*$/.test(text)) {
    throw new GatehouseError('rpc_bad_request', 'The header gatehouse-args is no base64url.');
  }
  return parseArgs(Buffer.from(text, 'base64url'));
}

/** Without parameters, in lower case (RFC 9110 section 8.3.1). */
function mediaTypeOf(exchange: Exchange): string {
  const [type = ''] = (exchange.header('content-type') ?? '').split(';', 1);
  return type.trim().toLowerCase();
}

/** What the path names, for the policy and for the log; bounded, and empty where it names no RPC. */
function rpcNameOf({ path }: Exchange): string {
  const name = path.startsWith(rpcPath) ? path.slice(rpcPath.length) : '';
  return /^[a-z][a-z0-9_.-]*$/.test(name) ? name.slice(0, maxRpcNameLength) : '';
}

/** The client's word on how it checked our certificate. */
function verifiedByOf(exchange: Exchange | null): VerifiedBy {
  return exchange?.header('gatehouse-verified-by') === 'fingerprint' ? 'fingerprint' : 'none';
}

function cancelled(): GatehouseError {
  return new GatehouseError('cancelled', 'The caller went away.');
}

/** What an unforeseen error says stays here: it may name paths, or worse. */
function failureOf(cause: unknown, { name }: Rpc): GatehouseError {
  if (cause instanceof GatehouseError) return cause;
  return new GatehouseError('rpc_failed', `The RPC "${name}" failed at the service.`, { cause });
}

function statusOfFailure({ code }: GatehouseError): RequestOutcome['status'] {
  if (code === 'cancelled') return 'CANCELLED';
  return code === 'timeout' ? 'TIMED_OUT' : 'FAILED';
}
