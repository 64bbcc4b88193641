// One service as a client addresses it: credentials, calls, and the record of them.
import { GatehouseError } from '../contracts/errors.ts';
import { RequestList } from './client-request.ts';
import type { ClientRequest } from './client-request.ts';
import { parseCredentials } from './credentials.ts';
import type { ServiceCredentials } from './credentials.ts';
import type { ServiceContext } from './establish.ts';
import { readableOf } from './pour.ts';
import { callRpc, checkStreamArgs, prepareCall, streamRpc } from './rpc.ts';
import type { CallOptions, PreparedCall, RecordRequest, StreamedResult, StreamOptions } from './rpc.ts';
import { ServiceSessions } from './service-sessions.ts';

/** What a service is made of. */
export interface ServiceOptions {
  /** Has passed `isServiceId`. */
  readonly serviceId: string;
  readonly credentials: ServiceCredentials;
  readonly context: ServiceContext;
  readonly requestLimit: number;
  /** Puts each request on the client's list, too. */
  readonly record: RecordRequest;
  readonly onClosed: () => void;
}

export class Service {
  readonly serviceId: string;
  readonly #options: ServiceOptions;
  readonly #requests: RequestList;
  readonly #record: RecordRequest;
  #credentials: ServiceCredentials;
  #sessions: ServiceSessions;
  #closed = false;

  /** For the library alone: `client.serviceCloud` makes one. @throws as `parseCredentials` */
  constructor(options: ServiceOptions) {
    this.serviceId = options.serviceId;
    this.#options = options;
    this.#requests = new RequestList(options.requestLimit);
    this.#record = (request) => {
      this.#requests.add(request);
      options.record(request);
    };
    this.#credentials = options.credentials;
    this.#sessions = this.#begin(options.credentials);
  }

  /** The newest requests to this service, oldest first; bounded by the client's `requestLimit`. */
  get requests(): readonly ClientRequest[] {
    return this.#requests.all;
  }

  /**
   * Opens and verifies a new session, after the old one has been closed with what ran on it. Without an argument
   * with the credentials of before; those given replace them all. @throws GatehouseError as `client.serviceCloud`
   */
  async reload(credentials: ServiceCredentials = this.#credentials): Promise<void> {
    if (this.#closed)
      throw new GatehouseError('cancelled', 'This service has been closed. Address it again.');
    const next = this.#begin(credentials);
    this.#sessions.end();
    this.#credentials = credentials;
    this.#sessions = next;
    await next.establish();
  }

  /** For the library alone: the first session. @throws GatehouseError as `client.serviceCloud` */
  async connect(): Promise<void> {
    await this.#sessions.establish();
  }

  /**
   * Calls an RPC with JSON and resolves with JSON. Opens and verifies a new session where the last one has ended.
   * @throws GatehouseError what the service answers; `timeout`, `cancelled`, `truncated`, `session_ended`; why the
   * service ended the session (`access_token_rejected`, `access_token_required`, `e2ee_required`); or as `serviceCloud`
   */
  async call(rpcName: string, args?: unknown, options: CallOptions = {}): Promise<unknown> {
    const call = this.#prepare(rpcName, args, options);
    const { session, done } = this.#sessions.current ?? (await this.#sessions.lease(call));
    try {
      return await callRpc(session, call, this.#record);
    } finally {
      done();
    }
  }

  /**
   * Calls an RPC with a streamed body, and resolves at the head of its answer. Back-pressure works both ways.
   * @throws GatehouseError as `call`; later ones destroy the answer's body, so that it never ends short
   */
  async stream(rpcName: string, options: StreamOptions): Promise<StreamedResult> {
    const body = readableOf(options.body);
    try {
      const call = this.#prepare(rpcName, options.args, options);
      checkStreamArgs(call);
      const { session, done } = this.#sessions.current ?? (await this.#sessions.lease(call));
      return await streamRpc(session, call, body, this.#record, done);
    } catch (error) {
      body.destroy();
      throw error;
    }
  }

  /** Ends the sessions and what runs on them. The client stays. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sessions.end();
    this.#options.onClosed();
  }

  #begin(credentials: ServiceCredentials): ServiceSessions {
    const trust = parseCredentials(credentials);
    const { serviceId, context } = this.#options;
    return new ServiceSessions(context, { serviceId, trust, record: this.#record });
  }

  #prepare(rpcName: string, args: unknown, options: CallOptions): PreparedCall {
    return prepareCall(rpcName, args, options, this.#options.context.timeouts.callMs);
  }
}
