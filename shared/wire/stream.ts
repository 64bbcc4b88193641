// One yamux stream: a byte pipe both ways with its own windows, pure state without clock or socket.
// It never holds more unsent bytes than its writer was willing to queue (`queuedBytes` says how many),
// and never accepts more than the window that it granted.
// Source: hashicorp/yamux spec.md, "Flow Control" and "Closing a stream".
import { GatehouseError } from '../contracts/errors.ts';
import { ChunkQueue } from './chunk-queue.ts';
import { initialWindow } from './limits.ts';

export type StreamState = 'open' | 'halfClosedLocal' | 'halfClosedRemote' | 'closed';

/** Who takes what arrives. Calls come in order; `closed` comes exactly once, last. */
export interface StreamConsumer {
  /** Bytes received, owned by the consumer. It calls `stream.consumed(n)` once they are out of its hands. */
  data(chunk: Uint8Array): void;
  /** The peer half-closed: no more data follows. */
  end(): void;
  /** So many bytes of earlier writes have left the queue. */
  sent(bytes: number): void;
  /** Over: null where both sides had finished, else why (`stream_reset`, `wire_closed`, …). */
  closed(error: GatehouseError | null): void;
}

/** What a stream needs of its session. */
export interface StreamHost {
  /** False while the output is congested: streams then queue and wait for their turn. */
  readonly writable: boolean;
  readonly maxFramePayload: number;
  /** One frame, whose payload is `chunk` and then `more`. */
  sendData(stream: YamuxStream, chunk: Uint8Array, more: Uint8Array | null): void;
  sendFin(stream: YamuxStream): void;
  sendReset(stream: YamuxStream): void;
  sendWindow(stream: YamuxStream, bytes: number): void;
  /** How many bytes of growth, up to `wanted`, this stream's window may have. */
  grantGrowth(stream: YamuxStream, wanted: number): number;
  /** The stream has something to send as soon as the output takes it. */
  wantsTurn(stream: YamuxStream): void;
  forget(stream: YamuxStream): void;
}

export class YamuxStream {
  readonly id: number;
  readonly #host: StreamHost;
  readonly #queue = new ChunkQueue();
  #consumer: StreamConsumer | null = null;
  #state: StreamState = 'open';
  #finQueued = false;
  #sendWindow = initialWindow;
  /** What the peer may still send. */
  #receiveWindow: number;
  /** What the window is restored to; grows while the reader keeps up. */
  #windowSize: number;
  #uncredited = 0;
  #unread = 0;

  constructor(id: number, host: StreamHost) {
    this.id = id;
    this.#host = host;
    this.#receiveWindow = initialWindow;
    this.#windowSize = initialWindow;
  }

  get state(): StreamState {
    return this.#state;
  }

  /** Bytes written and not yet sent: the writer's measure of back-pressure. */
  get queuedBytes(): number {
    return this.#queue.length;
  }

  /** Receive window beyond the initial one that this stream holds, in bytes. */
  get windowGrowth(): number {
    return this.#windowSize - initialWindow;
  }

  /** Sets who takes what arrives; a later call hands over to another consumer. */
  attach(consumer: StreamConsumer): void {
    this.#consumer = consumer;
  }

  /**
   * Sends `chunk`, or queues what the window or the output does not take now. The stream owns the chunk.
   * @throws GatehouseError `stream_closed` after `end` or once the stream is over
   */
  write(chunk: Uint8Array): void {
    this.#checkWritable();
    if (chunk.length === 0) return;
    const fits = chunk.length <= this.#sendWindow && chunk.length <= this.#host.maxFramePayload;
    if (fits && this.#queue.length === 0 && this.#host.writable) {
      this.#send(chunk, null);
      return;
    }
    this.#queue.push(chunk);
    if (this.#sendWindow > 0) this.#host.wantsTurn(this);
  }

  /** As `write` does with each of `chunks`, in frames as full as can be. @throws GatehouseError as `write` */
  writeAll(chunks: readonly Uint8Array[]): void {
    const [only] = chunks;
    if (chunks.length === 1 && only !== undefined) {
      this.write(only);
      return;
    }
    this.#checkWritable();
    for (const chunk of chunks) this.#queue.push(chunk);
    if (this.#queue.length > 0 && this.#sendWindow > 0) this.#host.wantsTurn(this);
  }

  /** Half-closes once all that was written has been sent. */
  end(): void {
    if (this.#finQueued || this.#state === 'halfClosedLocal' || this.#state === 'closed') return;
    this.#finQueued = true;
    if (this.#queue.length === 0) this.#sendFin();
  }

  /** Ends both directions at once; unsent bytes are dropped. `reason` is what the consumer is told. */
  reset(reason?: GatehouseError): void {
    if (this.#state === 'closed') return;
    this.#host.sendReset(this);
    this.close(reason ?? new GatehouseError('stream_reset', 'The stream was reset.'));
  }

  /** The consumer is done with `bytes` of what it received: the peer may send as much again. */
  consumed(bytes: number): void {
    this.#unread -= bytes;
    this.#uncredited += bytes;
    if (this.#state === 'closed' || this.#state === 'halfClosedRemote') return;
    if (this.#uncredited * 2 < this.#windowSize) return;
    let credit = this.#uncredited;
    this.#uncredited = 0;
    if (this.#unread === 0) {
      const growth = this.#host.grantGrowth(this, this.#windowSize);
      this.#windowSize += growth;
      credit += growth;
    }
    this.#receiveWindow += credit;
    this.#host.sendWindow(this, credit);
  }

  /** One turn of sending: at most one frame. True where more could be sent at once. Called by the session. */
  takeTurn(): boolean {
    if (this.#state === 'closed') return false;
    const most = Math.min(this.#sendWindow, this.#host.maxFramePayload);
    const chunk = most === 0 ? null : this.#queue.shift(most);
    if (chunk !== null)
      this.#send(chunk, chunk.length < most ? this.#queue.shift(most - chunk.length) : null);
    if (this.#queue.length > 0) return this.#sendWindow > 0;
    if (this.#finQueued) this.#sendFin();
    return false;
  }

  /** A data frame of `length` is coming. Called by the session. @throws GatehouseError `wire_window_exceeded` */
  expectData(length: number): void {
    if (length > this.#receiveWindow) {
      throw new GatehouseError('wire_window_exceeded', 'The peer sent more than the stream window allows.');
    }
    this.#receiveWindow -= length;
  }

  /** Payload arrived. Called by the session. Data after the peer's FIN resets the stream. */
  receive(chunk: Uint8Array): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'halfClosedRemote') {
      this.reset(new GatehouseError('stream_reset', 'The peer sent data after it had half-closed.'));
      return;
    }
    this.#unread += chunk.length;
    this.#consumer?.data(chunk);
  }

  /** The peer granted `bytes` more. Called by the session. @throws GatehouseError `wire_bad_length` */
  grow(bytes: number): void {
    this.#sendWindow += bytes;
    if (this.#sendWindow > 0xffffffff) {
      throw new GatehouseError('wire_bad_length', 'The peer granted a window of more than 4 GiB.');
    }
    if (this.#queue.length > 0 && this.#sendWindow > 0) this.#host.wantsTurn(this);
  }

  /** The peer half-closed. Called by the session. */
  receiveFin(): void {
    if (this.#state === 'open') this.#state = 'halfClosedRemote';
    else if (this.#state !== 'halfClosedLocal') return;
    const finished = this.#state === 'halfClosedLocal';
    this.#consumer?.end();
    if (finished) this.close(null);
  }

  /** Ends the stream without a word to the peer. Called by the session. */
  close(error: GatehouseError | null): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#queue.clear();
    this.#host.forget(this);
    this.#consumer?.closed(error);
    this.#consumer = null;
  }

  #checkWritable(): void {
    if (this.#finQueued || this.#state === 'halfClosedLocal' || this.#state === 'closed') {
      throw new GatehouseError('stream_closed', 'The stream is closed for writing.');
    }
  }

  #send(chunk: Uint8Array, more: Uint8Array | null): void {
    const length = chunk.length + (more?.length ?? 0);
    this.#sendWindow -= length;
    this.#host.sendData(this, chunk, more);
    this.#consumer?.sent(length);
  }

  #sendFin(): void {
    if (this.#state === 'closed' || this.#state === 'halfClosedLocal') return;
    this.#host.sendFin(this);
    if (this.#state === 'halfClosedRemote') this.close(null);
    else this.#state = 'halfClosedLocal';
  }
}
