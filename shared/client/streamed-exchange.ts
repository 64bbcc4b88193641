// A call with a streamed body both ways. What the caller does not read, the service is not asked to send.
// The answer's stream ends only where the service ended it; anything else destroys it with a coded error.
import { Readable } from 'node:stream';
import type { GatehouseError } from '../contracts/errors.ts';
import type { AnswerHead, Connection, ExchangeEvents, RunningExchange } from './connection.ts';
import { maxErrorLength } from './limits.ts';
import { errorOfAnswer } from './peer-errors.ts';
import { pour } from './pour.ts';
import type { Upload } from './pour.ts';
import { cancelled, timedOut } from './whole-exchange.ts';
import type { BodyMeter } from './whole-exchange.ts';

/** Bytes of an answer that wait for their reader, beside the windows of the connection. */
const readAhead = 256 * 1024;

export interface StreamedRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
  /** How long the service may give no sign of life while it is waited for, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called once: how it ended, null where the answer arrived whole. */
  readonly onOver: (error: GatehouseError | null) => void;
}

export interface StreamedAnswer {
  readonly contentType: string;
  readonly body: Readable;
}

/** Resolves at the head of an answer with status 200. @throws as `callWhole` does */
export function callStreamed(
  connection: Connection,
  request: StreamedRequest,
  meter: BodyMeter,
): Promise<StreamedAnswer> {
  return new Promise((resolve, reject) => {
    new StreamedExchange(request, meter, resolve, reject).begin(connection);
  });
}

class StreamedExchange implements ExchangeEvents {
  readonly #request: StreamedRequest;
  readonly #meter: BodyMeter;
  readonly #resolve: (answer: StreamedAnswer) => void;
  readonly #reject: (error: unknown) => void;
  readonly #onAbort = (): void => {
    this.#breakOff(cancelled());
  };
  #running: RunningExchange | null = null;
  #upload: Upload | null = null;
  #answer: AnswerBody | null = null;
  #status = 0;
  #refusal: Buffer[] = [];
  #refusalLength = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Something passed, in either direction, since the timer was last looked at. */
  #moved = false;
  #over = false;

  constructor(
    request: StreamedRequest,
    meter: BodyMeter,
    resolve: (answer: StreamedAnswer) => void,
    reject: (error: unknown) => void,
  ) {
    this.#request = request;
    this.#meter = meter;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(connection: Connection): void {
    const { path, headers, body, signal, timeoutMs } = this.#request;
    try {
      if (signal?.aborted === true) throw cancelled();
      this.#running = connection.start({ path, headers, length: null }, this);
    } catch (error) {
      this.#finish(error as GatehouseError);
      return;
    }
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#timer = setTimeout(() => {
      this.#checkIdle();
    }, timeoutMs);
    this.#upload = pour(body, this.#running.sink, {
      sent: (bytes) => {
        this.#moved = true;
        this.#meter.countWritten(bytes);
      },
      failed: (error) => {
        this.#breakOff(error);
      },
    });
  }

  head({ status, contentType }: AnswerHead): void {
    this.#moved = true;
    this.#status = status;
    if (status !== 200) return;
    this.#answer = new AnswerBody({
      wanted: () => {
        this.#running?.resume();
      },
      abandoned: () => {
        this.#breakOff(cancelled());
      },
    });
    this.#resolve({ contentType, body: this.#answer });
  }

  data(chunk: Buffer): void {
    this.#moved = true;
    this.#meter.countRead(chunk.length);
    if (this.#answer !== null) {
      if (!this.#answer.push(chunk)) this.#running?.pause();
      return;
    }
    this.#refusalLength += chunk.length;
    if (this.#refusalLength <= maxErrorLength) this.#refusal.push(chunk);
    else this.#breakOff(errorOfAnswer(this.#status, Buffer.alloc(0)));
  }

  ended(): void {
    this.#finish(this.#answer === null ? errorOfAnswer(this.#status, Buffer.concat(this.#refusal)) : null);
  }

  failed(error: GatehouseError): void {
    this.#finish(error);
  }

  #breakOff(error: GatehouseError): void {
    if (this.#over) return;
    this.#running?.abort();
    this.#finish(error);
  }

  #finish(error: GatehouseError | null): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#request.signal?.removeEventListener('abort', this.#onAbort);
    this.#upload?.stop();
    this.#request.onOver(error);
    if (this.#answer === null) this.#reject(error);
    else if (error === null) this.#answer.push(null);
    else this.#answer.destroy(error);
  }

  #checkIdle(): void {
    if (!this.#moved && this.#waitsForService()) {
      this.#breakOff(timedOut(this.#request.timeoutMs));
      return;
    }
    this.#moved = false;
    this.#timer?.refresh();
  }

  /** False while it is the caller who is slow: with the body to send, or with reading the answer. */
  #waitsForService(): boolean {
    const readerIsBehind = (this.#answer?.readableLength ?? 0) > 0;
    const sourceIsBehind = this.#upload?.done !== true && this.#running?.sink.writableNeedDrain !== true;
    return !readerIsBehind && !sourceIsBehind;
  }
}

interface AnswerBodyOwner {
  wanted(): void;
  abandoned(): void;
}

class AnswerBody extends Readable {
  readonly #owner: AnswerBodyOwner;

  constructor(owner: AnswerBodyOwner) {
    super({ highWaterMark: readAhead });
    this.#owner = owner;
    // It may fail before its reader has been handed it. Who reads it later still meets the error.
    this.on('error', () => undefined);
  }

  override _read(): void {
    this.#owner.wanted();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.readableEnded) this.#owner.abandoned();
    done(error);
  }
}
