// A call whose request and answer are small: one body out, one body in, held in memory.
// Never keeps more of an answer than its limit, and resolves only with an answer that is whole.
import { GatehouseError } from '../contracts/errors.ts';
import type { AnswerHead, Connection, ExchangeEvents, RunningExchange } from './connection.ts';
import { maxErrorLength } from './limits.ts';
import { errorOfAnswer } from './peer-errors.ts';

export interface WholeRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** null: no body. */
  readonly body: Uint8Array | null;
  /** The media type that an answer with status 200 must have. */
  readonly expects: string;
  /** Bytes of the answer. */
  readonly maxLength: number;
  /** How long the service may give no sign of life, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Is told of bytes of bodies as they pass. */
export interface BodyMeter {
  countRead(bytes: number): void;
  countWritten(bytes: number): void;
}

export const jsonType = 'application/json';
export const streamType = 'application/octet-stream';

/**
 * Makes one call and resolves with the body of its answer. @throws GatehouseError what the service answers,
 * `timeout`, `cancelled`, `truncated`, `session_ended`, `limit_exceeded`, or why the service ended the session
 */
export function callWhole(connection: Connection, request: WholeRequest, meter: BodyMeter): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    new WholeExchange(request, meter, resolve, reject).begin(connection);
  });
}

class WholeExchange implements ExchangeEvents {
  readonly #request: WholeRequest;
  readonly #meter: BodyMeter;
  readonly #resolve: (body: Buffer) => void;
  readonly #reject: (error: unknown) => void;
  readonly #onAbort = (): void => {
    this.#breakOff(cancelled());
  };
  #running: RunningExchange | null = null;
  #timer: NodeJS.Timeout | undefined;
  #status = 0;
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(
    request: WholeRequest,
    meter: BodyMeter,
    resolve: (body: Buffer) => void,
    reject: (error: unknown) => void,
  ) {
    this.#request = request;
    this.#meter = meter;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Errors of `start` reject the promise: whoever calls is inside its executor. */
  begin(connection: Connection): void {
    const { path, headers, body, signal, timeoutMs } = this.#request;
    if (signal?.aborted === true) throw cancelled();
    this.#running = connection.start({ path, headers, length: body?.length ?? 0 }, this);
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#timer = setTimeout(() => {
      this.#breakOff(timedOut(timeoutMs));
    }, timeoutMs);
    if (body === null || body.length === 0) return;
    this.#running.sink.end(body);
    this.#meter.countWritten(body.length);
  }

  head({ status, contentType }: AnswerHead): void {
    this.#status = status;
    this.#timer?.refresh();
    const { expects, path } = this.#request;
    if (status !== 200 || contentType === expects) return;
    const streams = contentType === streamType;
    const message = streams
      ? `${path} answers with a stream of octets: call it with service.stream().`
      : `The service answered ${path} with "${contentType.slice(0, 64)}" where ${expects} was expected.`;
    this.#breakOff(new GatehouseError(streams ? 'usage' : 'rpc_failed', message));
  }

  data(chunk: Buffer): void {
    this.#length += chunk.length;
    this.#meter.countRead(chunk.length);
    const max = this.#status === 200 ? this.#request.maxLength : maxErrorLength;
    if (this.#length > max) {
      this.#breakOff(
        new GatehouseError('limit_exceeded', `The answer has more than ${max} bytes. Ask for less.`),
      );
      return;
    }
    this.#chunks.push(chunk);
    if (this.#chunks.length > 1) this.#timer?.refresh();
  }

  ended(): void {
    const [only] = this.#chunks;
    const body = this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks);
    this.#settle();
    if (this.#status === 200) this.#resolve(body);
    else this.#reject(errorOfAnswer(this.#status, body));
  }

  failed(error: GatehouseError): void {
    this.#settle();
    this.#reject(error);
  }

  #breakOff(error: GatehouseError): void {
    this.#running?.abort();
    this.failed(error);
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#request.signal?.removeEventListener('abort', this.#onAbort);
  }
}

export function cancelled(cause?: unknown): GatehouseError {
  return new GatehouseError('cancelled', 'The request was cancelled.', { cause });
}

export function timedOut(timeoutMs: number): GatehouseError {
  const message = `The service gave no sign of life for ${timeoutMs} ms. Try again, or allow more time.`;
  return new GatehouseError('timeout', message);
}
