// One WebSocket as an ordered byte pipe with a text side-channel for the opening exchange (RFC 6455).
// The frames of one read or tick leave together, in one write; where bytes flow, those of a turn of the event loop.
// Never holds more than its limit before it reports congestion.
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { GatehouseError, isErrorCode } from '../contracts/errors.ts';
import type { ErrorCode } from '../contracts/errors.ts';
import { atEndOfRead } from './end-of-read.ts';
import { readBinaryMessages } from './message-reader.ts';
import { MessageWriter } from './message-writer.ts';

/** The largest message accepted, in bytes; more ends the connection with 1009 before it is buffered. */
export const maxMessageLength = 1024 * 1024;
/** The largest text message of the opening exchange, in characters. */
const maxTextLength = 16 * 1024;
/** Bytes waiting at the socket from which on the channel is congested. */
const congestedAt = 512 * 1024;
/** Bytes waiting at the socket at which the peer is cut off: only control frames come after `congestedAt`. */
const floodedAt = 8 * 1024 * 1024;
/** Bytes collected in one turn after which they are sent without waiting for its end. */
const flushAt = 256 * 1024;
/** From here on what has been collected is worth a write of its own, in bytes. */
const worthAWrite = 60 * 1024;
/** Less than this is sent at the end of the read or tick that wrote it, in bytes. */
const littleBytes = 8 * 1024;
/** So is less than this where its last frame is not a full one: many small answers, and nobody behind them. */
const batchBytes = 64 * 1024;
/** Bytes of frames that may arrive before the opening exchange has been acted upon. */
const maxEarlyBytes = 1024 * 1024;

/** Close codes of our own (RFC 6455 section 7.4.2); the reason is an ErrorCode. */
export const closeCode = { normal: 1000, goingAway: 1001, protocolError: 4400, refused: 4403 } as const;

export interface ChannelHandler {
  binary(chunk: Uint8Array): void;
  /** There is room again after `write` returned false. */
  drained(): void;
  /** Over, exactly once. */
  closed(error: GatehouseError): void;
}

export class WebSocketChannel {
  readonly #ws: WebSocket;
  readonly #socket: Socket;
  readonly #writer: MessageWriter;
  #handler: ChannelHandler | null = null;
  #onText: ((text: string) => void) | null = null;
  #onClosed: ((error: GatehouseError) => void) | null = null;
  #early: Buffer[] = [];
  #earlyBytes = 0;
  #earlyText: string[] = [];
  #scheduled = false;
  /** The last frame was as full as can be, as those of a stream are that has more to send. */
  #moreFollows = false;
  #congested = false;
  #closing: GatehouseError | null = null;
  #over: GatehouseError | null = null;

  /** `ws` is open; `socket` is the socket under it. */
  constructor(ws: WebSocket, socket: Socket) {
    this.#ws = ws;
    this.#socket = socket;
    // Only a WebSocket that dialled has a URL, and only the dialling side masks.
    const dialled = typeof ws.url === 'string' && ws.url !== '';
    this.#writer = new MessageWriter(socket, dialled);
    const binary = (octets: Buffer): void => {
      this.#takeBinary(octets);
    };
    const stopReading = readBinaryMessages(socket, { masked: !dialled, maxLength: maxMessageLength, binary });
    ws.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.#takeBinary(data);
      else this.#takeText(data.toString('utf8'));
    });
    ws.on('error', (cause: Error) => {
      stopReading();
      this.#closing ??= new GatehouseError('relay_protocol', `The WebSocket failed: ${cause.message}.`, {
        cause,
      });
    });
    ws.on('close', (code: number, reason: Buffer) => {
      this.#end(this.#closing ?? closeError(code, reason.toString('utf8')));
    });
    socket.on('drain', () => {
      this.#reportDrain();
    });
  }

  /** The address of the other end, as a person reads it. */
  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? 'unknown';
  }

  /** Takes text messages from now on, those that came early first; null: they wait for the next taker. */
  onText(take: ((text: string) => void) | null): void {
    this.#onText = take;
    while (this.#onText !== null) {
      const text = this.#earlyText.shift();
      if (text === undefined) return;
      this.#onText(text);
    }
  }

  /** Tells of the end before `start` has been called; returns its unsubscribe. */
  onClosed(tell: (error: GatehouseError) => void): () => void {
    this.#onClosed = tell;
    const over = this.#over;
    if (over !== null) queueMicrotask(() => this.#onClosed?.(over));
    return () => {
      this.#onClosed = null;
    };
  }

  /** Takes binary messages from now on, those that came early first. Text is an error from now on. */
  start(handler: ChannelHandler): void {
    this.#handler = handler;
    this.#onText = null;
    if (this.#over !== null) {
      handler.closed(this.#over);
      return;
    }
    for (const chunk of this.#early.splice(0)) handler.binary(chunk);
  }

  sendText(text: string): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#ws.send(text);
  }

  /** Sends a frame, its header and then its payload, with what else this turn writes. False: congested. */
  write(header: Uint8Array, payload: Uint8Array | null, more: Uint8Array | null = null): boolean {
    const length = header.length + (payload?.length ?? 0) + (more?.length ?? 0);
    if (this.#writer.waiting >= worthAWrite && this.#writer.straddles(length)) this.flush();
    this.#writer.add(header, payload, more);
    this.#moreFollows = this.#writer.isFull(length);
    if (this.#writer.waiting >= flushAt) this.flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      atEndOfRead(this.#flushOrGather);
    }
    // Never back to false here: whoever was told "congested" waits for `drained`.
    if (this.#pending >= congestedAt) this.#congested = true;
    this.#cutOffFlood();
    return !this.#congested;
  }

  /**
   * A little leaves at the end of the read or tick, and so does a batch of small frames: while the other end works on
   * it, so can this one. Where bytes flow, a turn's worth leaves together.
   */
  readonly #flushOrGather = (): void => {
    if (this.#writer.waiting < (this.#moreFollows ? littleBytes : batchBytes)) this.flush();
    else {
      setImmediate(() => {
        this.flush();
      });
    }
  };

  /** Sends what has been collected. */
  flush(): void {
    this.#scheduled = false;
    if (this.#writer.waiting === 0) return;
    if (this.#ws.readyState === this.#ws.OPEN) this.#writer.flush();
    else this.#writer.drop();
    if (this.#congested && !this.#socket.writableNeedDrain) process.nextTick(() => this.#reportDrain());
  }

  /** Bytes that wait, here or at the socket. */
  get #pending(): number {
    return this.#writer.waiting + this.#ws.bufferedAmount;
  }

  /** Closes with a code and reason for the peer; `error` is what the handler is told. */
  close(error: GatehouseError, code: number = closeCode.normal): void {
    if (this.#closing !== null || this.#over !== null) return;
    this.#closing = error;
    this.flush();
    this.#ws.close(code, error.code);
    const cutOff = setTimeout(() => {
      this.#ws.terminate();
    }, 2000);
    cutOff.unref();
    this.#ws.once('close', () => {
      clearTimeout(cutOff);
    });
  }

  /** Ends the connection at once, without a closing exchange: for a peer that no longer answers. */
  terminate(error: GatehouseError): void {
    this.#closing ??= error;
    this.#ws.terminate();
  }

  /** A peer that provokes control frames and reads none of them fills our memory: it is cut off. */
  #cutOffFlood(): void {
    if (this.#pending < floodedAt) return;
    const flood = 'The other end provokes answers faster than it reads them.';
    this.terminate(new GatehouseError('wire_flood', flood));
  }

  #takeBinary(data: Buffer): void {
    if (this.#closing !== null) return;
    if (this.#handler !== null) {
      this.#handler.binary(data);
      return;
    }
    this.#earlyBytes += data.length;
    if (this.#earlyBytes <= maxEarlyBytes) this.#early.push(data);
    else {
      this.#early = [];
      this.#refuse('Frames came before the opening exchange had ended.');
    }
  }

  #takeText(text: string): void {
    if (this.#closing !== null) return;
    if (this.#handler !== null) this.#refuse('A text message came after the opening exchange.');
    else if (text.length > maxTextLength) this.#refuse('A text message is larger than 16 KiB.');
    else if (this.#onText !== null) this.#onText(text);
    else if (this.#earlyText.push(text) > 4) this.#refuse('Too many text messages came.');
  }

  #refuse(message: string): void {
    this.close(new GatehouseError('relay_protocol', message), closeCode.protocolError);
  }

  #reportDrain(): void {
    if (!this.#congested || this.#pending >= congestedAt) return;
    this.#congested = false;
    this.#handler?.drained();
  }

  #end(error: GatehouseError): void {
    if (this.#over !== null) return;
    this.#over = error;
    this.#writer.drop();
    this.#onClosed?.(error);
    this.#handler?.closed(error);
  }
}

/** The peer's reason where it is one of our codes, else what the close code says. */
function closeError(code: number, reason: string): GatehouseError {
  if (isErrorCode(reason)) return new GatehouseError(reason, peerSentence(reason));
  return new GatehouseError('wire_closed', `The connection was closed (WebSocket code ${code}).`);
}

function peerSentence(code: ErrorCode): string {
  return `The other end closed the connection: ${code}.`;
}
