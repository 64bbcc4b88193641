// A request of a device session as an Exchange, so that policy, request log, capture and handlers are the same as for a TLS
// client. What is answered is sealed here, once; what was broken off is never sealed at all.
import { Readable } from 'node:stream';
import { asGatehouseError, GatehouseError } from '../../../shared/contracts/errors.ts';
import type { ErrorCode } from '../../../shared/contracts/errors.ts';
import { errorAnswer } from '../../../shared/device/agent.ts';
import type { AnswerPayload, Bytes, OpenedRequest } from '../../../shared/device/agent.ts';
import type { DeviceSession } from '../devices/device-session.ts';
import { problemOf, tellable } from '../devices/problems.ts';
import type { DeviceCall } from './device-call.ts';
import { jsonType, streamType } from './exchange.ts';
import type { Exchange } from './exchange.ts';

export class DeviceExchange implements Exchange {
  readonly method = 'POST';
  readonly path: string;
  readonly counter: number;
  readonly whole: Buffer;
  readonly #request: OpenedRequest;
  readonly #session: DeviceSession;
  readonly #call: DeviceCall;
  readonly #keep: (answer: KeptAnswer) => void;
  #body: Readable | null = null;
  #bytesRead = 0;
  #bytesWritten = 0;
  #aborted = false;
  #sealed = false;

  /** `keep` is told a whole answer of the RPC before it leaves: what it gave, or its error. */
  constructor(
    request: OpenedRequest,
    session: DeviceSession,
    call: DeviceCall,
    keep: (answer: KeptAnswer) => void,
  ) {
    this.#request = request;
    this.#session = session;
    this.#call = call;
    this.#keep = keep;
    this.path = `/rpc/${request.payloadType}`;
    this.counter = request.counter;
    this.whole = Buffer.from(JSON.stringify(request.payload));
    const over = session.runs(this);
    call.onClosed(over);
  }

  /** Made where somebody wants a stream: a capture, or a call that takes one. */
  get body(): Readable {
    this.#body ??= Readable.from([this.whole], { objectMode: false });
    return this.#body;
  }

  get bodyless(): boolean {
    return this.#request.payload === null;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  header(name: string): string | undefined {
    if (name === 'content-type') return jsonType;
    if (name === 'content-length') return String(this.whole.length);
    // The start that the device signed names our key: it has been checked by its fingerprint.
    return name === 'gatehouse-verified-by' ? 'fingerprint' : undefined;
  }

  countRead(bytes: number): void {
    this.#bytesRead += bytes;
  }

  respond(status: number, _contentType: string, body: Buffer): void {
    this.#bytesWritten = body.length;
    const answer = answerOf(this.#request.payloadType, status, body);
    if (status === 200 || !passing.has(codeOf(answer))) this.#keep({ status, body });
    void this.answer(answer);
  }

  /** Seals and sends a whole answer; never throws. */
  async answer(payload: AnswerPayload): Promise<void> {
    if (this.#sealed || this.#aborted) return;
    this.#sealed = true;
    try {
      const body = await this.#session.protocol.seal(this.counter, payload);
      this.#call.answer({ status: 200, contentType: streamType }, body);
    } catch (error) {
      this.#answerProblem(asGatehouseError(error));
    }
  }

  async stream(_contentType: string, body: Readable, onFirst: () => void = nothing): Promise<void> {
    if (this.#sealed || this.#aborted) throw new GatehouseError('cancelled', 'The caller went away.');
    this.#sealed = true;
    const head = { payloadType: this.#request.payloadType, payload: null };
    // What ends the call ends the source, which may be waiting for something else.
    this.#call.onClosed(() => {
      if (this.#call.aborted) body.destroy();
    });
    await this.#call.answerStream(
      this.#session.protocol.sealStream(this.counter, head, this.#count(body, onFirst)),
    );
  }

  onAborted(tell: () => void): void {
    this.#call.onClosed(() => {
      if (this.#call.aborted) tell();
    });
  }

  onClosed(tell: () => void): void {
    this.#call.onClosed(tell);
  }

  /** Where nothing of an answer has left, the caller is told at least why none comes. */
  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    if (this.#sealed) return this.#call.abort();
    this.#sealed = true;
    this.#session.protocol.abandon(this.counter);
    const { endReason, ended } = this.#session.endpoint;
    if (ended)
      this.#answerProblem(endReason ?? new GatehouseError('SESSION_EXPIRED', 'The session is over.'));
    else this.#call.abort();
  }

  /** The grace for answers is over, or the keys went with the session: it cannot be sealed any more. */
  #answerProblem(error: GatehouseError): void {
    const problem = problemOf(tellable(this.#session.endpoint.endReason ?? error));
    const text = Buffer.from(JSON.stringify(problem));
    this.#call.answer({ status: problem.status, contentType: 'application/problem+json' }, text);
  }

  async *#count(body: Readable, onFirst: () => void): AsyncGenerator<Bytes> {
    for await (const chunk of body as AsyncIterable<Bytes>) {
      if (this.#bytesWritten === 0) onFirst();
      this.#bytesWritten += chunk.length;
      yield chunk;
    }
  }
}

/** A whole answer as the router gives it. */
export interface KeptAnswer {
  readonly status: number;
  readonly body: Buffer;
}

/** Errors that say nothing of what the request itself came to: another time it might have run. */
const passing: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'shutting_down',
  'log_unavailable',
  'cancelled',
  'timeout',
  'session_ended',
  'limit_exceeded',
]);

function codeOf({ payload }: AnswerPayload): ErrorCode {
  return (payload as { readonly code: ErrorCode }).code;
}

/** The router answers errors as `{"error":{code,message,details?}}`. */
function answerOf(payloadType: string, status: number, body: Buffer): AnswerPayload {
  const json = JSON.parse(body.toString('utf8')) as unknown;
  if (status === 200) return { payloadType, payload: json };
  return errorAnswer((json as { error: Parameters<typeof errorAnswer>[0] }).error);
}

function nothing(): void {}
