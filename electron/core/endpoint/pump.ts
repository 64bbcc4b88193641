// Moves a body from where it comes to where it goes, with back-pressure, also where both are one Duplex
// (an HTTP/2 stream that echoes), for which stream.pipeline is not made.
import type { Readable, Writable } from 'node:stream';
import { GatehouseError } from '../../../shared/contracts/errors.ts';

/** Resolves once `source` has ended and `sink` has been ended. `count` is told of each chunk's bytes. */
export function pump(source: Readable, sink: Writable, count: (bytes: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error?: Error | null): void => {
      source.off('data', onData);
      reject(error ?? new GatehouseError('truncated', 'The body ended before its end.'));
    };
    const onData = (chunk: Buffer): void => {
      count(chunk.length);
      if (!sink.write(chunk)) source.pause();
    };
    source.on('data', onData);
    source.once('end', () => {
      sink.end();
      resolve();
    });
    source.once('error', fail);
    source.once('close', () => {
      if (!source.readableEnded) fail(source.errored);
    });
    sink.once('error', fail);
    // Not "unless finished": an HTTP/2 stream that its peer has reset ends itself, and so finishes.
    sink.once('close', () => {
      fail(sink.errored);
    });
    sink.on('drain', () => {
      source.resume();
    });
  });
}
