// Makes TLS over a JavaScript stream finish its writes without waiting for a turn of the event loop.
// Node wraps such a stream in its internal JSStreamSocket, whose doWrite() completes in setImmediate(): one
// turn for each write. Here one instance's doWrite() is replaced; all else of it (order of write, shutdown
// and close, cancellation) stays Node's. Must never complete a write inside doWrite(), nor before the stream
// has room again, and must leave Node's behaviour alone where its internals are not of the known shape.
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { getSystemErrorMap } from 'node:util';

/** The part of Node's JSStreamSocket that is relied upon; Node 18 to 24 and Electron have it. */
interface StreamWrap {
  readonly stream: Duplex;
  readonly _handle: object | null;
  doWrite(request: object, buffers: readonly Uint8Array[]): number;
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
 * Adapts `socket`, a TLSSocket just made over `duplex`; a write under way ends as Node began it. Returns whether it did: false means that the socket
 * works as Node made it (over a net.Socket, or because the internals look different).
 */
export function finishWritesAtOnce(socket: TLSSocket, duplex: Duplex): boolean {
  const handle = (socket as unknown as { readonly _handle: { readonly _parentWrap?: unknown } | null })
    ._handle;
  const wrap = handle?._parentWrap;
  if (!isStreamWrap(wrap, duplex)) return false;
  const state = stateSymbols(wrap);
  if (state === null) return false;
  wrap.doWrite = (request, buffers) => write(wrap, state, request, buffers);
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
function write(
  wrap: StreamWrap,
  state: StateSymbols,
  request: object,
  buffers: readonly Uint8Array[],
): number {
  const handle = wrap._handle;
  if (wrap[state.close] === true) {
    wrap[state.write] = request; // doClose() cancels what it finds here
    return 0;
  }
  if (handle === null) return 0;
  const finish = (status: number): void => {
    // A closed socket's request is doClose()'s to cancel; another request is not this one's to finish.
    if (wrap[state.write] === request && wrap._handle === handle) wrap.finishWrite(handle, status);
  };
  const { stream } = wrap;
  const isOpen = wrap[state.shutdown] === null && stream.writable;
  if (isOpen) pour(stream, buffers);
  wrap[state.write] = request; // after the writes, which could throw
  // The stream's own buffer is the bound: no more is taken until it is empty.
  if (isOpen && stream.writableNeedDrain)
    stream.once('drain', () => {
      finish(0);
    });
  else process.nextTick(finish, isOpen ? 0 : UV_EPIPE);
  return 0;
}

function pour(stream: Duplex, buffers: readonly Uint8Array[]): void {
  stream.cork();
  for (const buffer of buffers) stream.write(buffer);
  stream.uncork();
}
