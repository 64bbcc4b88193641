// Makes TLS over a JavaScript stream finish its writes without waiting for a turn of the event loop, and read without
// Node's Readable in between.
// Node wraps such a stream in its internal JSStreamSocket, whose doWrite() completes in setImmediate(): one
// turn for each write. Here one instance's doWrite() is replaced by one that writes and completes at the end
// of the current tick; all else of it (order of write, shutdown and close, cancellation) stays Node's. Must
// never complete a write inside doWrite(), nor before the stream has room again, and must leave Node's
// behaviour alone where its internals are not of the known shape.
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { getSystemErrorMap } from 'node:util';

type Buffers = readonly Uint8Array[];

/** A Duplex that can take buffers past Node's Writable machinery, which costs several microseconds a write. */
export interface DirectWriter {
  /**
   * Takes `buffers` after all that was written before and calls `done` once there is room for more, perhaps
   * before it returns. False: nothing was taken, and the caller writes in the ordinary way.
   */
  writeDirectly(buffers: readonly Uint8Array[], done: () => void): boolean;
}

/** A Duplex that can hand on what arrives past Node's Readable machinery. */
export interface DirectReader {
  /** From now on `take` gets what would be emitted as `data` to a single listener, while the stream flows. */
  readDirectly(take: (chunk: Uint8Array) => void): void;
}

/** The part of Node's JSStreamSocket that is relied upon; Node 18 to 24 and Electron have it. */
interface StreamWrap {
  readonly stream: Duplex;
  readonly _handle: { readBuffer?(chunk: Uint8Array): void } | null;
  doWrite(request: object, buffers: Buffers): number;
  finishWrite(handle: object, status: number): void;
  [state: symbol]: unknown;
}

/** Node keeps the requests under way in symbols of the instance; they are found by description. */
interface StateSymbols {
  readonly write: symbol;
  readonly shutdown: symbol;
  readonly close: symbol;
}

const UV_EPIPE = [...getSystemErrorMap()].find(([, [name]]) => name === 'EPIPE')?.[0] ?? -32;

/**
 * Adapts `socket`, a TLSSocket just made over `duplex`; a write under way ends as Node began it. Returns whether
 * it did: false means that the socket works as Node made it (over a net.Socket, or because the internals look
 * different).
 */
export function finishWritesAtOnce(socket: TLSSocket, duplex: Duplex): boolean {
  const handle = (socket as unknown as { readonly _handle: { readonly _parentWrap?: unknown } | null })
    ._handle;
  const wrap = handle?._parentWrap;
  if (!isStreamWrap(wrap, duplex)) return false;
  const state = stateSymbols(wrap);
  if (state === null) return false;
  wrap.doWrite = (request, buffers) => write(wrap, state, request, buffers);
  if (isDirectReader(duplex) && typeof wrap._handle?.readBuffer === 'function') {
    // What its own listener for `data` does; a closed socket has no handle any more.
    duplex.readDirectly((chunk) => wrap._handle?.readBuffer?.(chunk));
  }
  return true;
}

function isStreamWrap(wrap: unknown, duplex: Duplex): wrap is StreamWrap {
  if (typeof wrap !== 'object' || wrap === null) return false;
  const candidate = wrap as Partial<StreamWrap>;
  return (
    candidate.stream === duplex &&
    typeof candidate._handle === 'object' &&
    typeof candidate.doWrite === 'function' &&
    candidate.doWrite.length === 2 &&
    typeof candidate.finishWrite === 'function' &&
    candidate.finishWrite.length === 2
  );
}

function stateSymbols(wrap: StreamWrap): StateSymbols | null {
  const symbols = Object.getOwnPropertySymbols(wrap);
  const named = (description: string) => symbols.find((symbol) => symbol.description === description);
  const write = named('kCurrentWriteRequest');
  const shutdown = named('kCurrentShutdownRequest');
  const close = named('kPendingClose');
  const isKnown = write !== undefined && shutdown !== undefined && close !== undefined;
  return isKnown ? { write, shutdown, close } : null;
}

/** Returns a libuv status: 0, the request is taken and `finishWrite` will be called for it once. */
function write(wrap: StreamWrap, state: StateSymbols, request: object, buffers: Buffers): number {
  const handle = wrap._handle;
  if (handle === null) {
    if (wrap[state.close] === true) wrap[state.write] = request; // for doClose() to cancel
    return 0;
  }
  wrap[state.write] = request;
  // A closed socket's request is doClose()'s to cancel; another request is not this one's to finish.
  const isCurrent = (): boolean => wrap[state.write] === request && wrap._handle === handle;
  const finish = (status: number): void => {
    if (isCurrent()) wrap.finishWrite(handle, status);
  };
  process.nextTick(() => {
    if (!isCurrent()) return;
    if (wrap[state.shutdown] === null && wrap.stream.writable) pour(wrap.stream, buffers, finish);
    else finish(UV_EPIPE);
  });
  return 0;
}

/**
 * Runs outside of any write of the TLSSocket's: a stream that answers at once would otherwise have its reader
 * write to the TLSSocket inside that socket's own _writev(), where Node's Writable loses the chunk.
 */
function pour(stream: Duplex, buffers: Buffers, finish: (status: number) => void): void {
  // One tick later than what the write itself has put off: what the writer does once it is told (Node's HTTP/2
  // cleans up after the whole exchange) must not keep the bytes from leaving.
  const done = (): void => {
    process.nextTick(finish, 0);
  };
  if (isDirectWriter(stream) && stream.writeDirectly(buffers, done)) return;
  stream.cork();
  for (const buffer of buffers) stream.write(buffer);
  stream.uncork();
  // The stream's own buffer is the bound: no more is taken until it is empty.
  if (stream.writableNeedDrain) stream.once('drain', done);
  else done();
}

function isDirectWriter(stream: Duplex): stream is Duplex & DirectWriter {
  return typeof (stream as Partial<DirectWriter>).writeDirectly === 'function';
}

function isDirectReader(stream: Duplex): stream is Duplex & DirectReader {
  return typeof (stream as Partial<DirectReader>).readDirectly === 'function';
}
