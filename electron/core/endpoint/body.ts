// Reads small request bodies whole, within a limit that is checked before a byte more is kept.
import { EventEmitter } from 'node:events';
import type { Readable } from 'node:stream';
import { asGatehouseError, GatehouseError } from '../../../shared/contracts/errors.ts';
import type { Exchange } from './exchange.ts';

/** JSON arguments of a call, in bytes. */
export const maxArgsLength = 1024 * 1024;

/** @throws GatehouseError `rpc_too_large`, `truncated` */
export function readBody(exchange: Exchange, maxLength: number): Promise<Buffer> {
  if (exchange.bodyless) return Promise.resolve(Buffer.alloc(0));
  const declared = Number(exchange.header('content-length') ?? 0);
  if (declared > maxLength) return Promise.reject(tooLarge(maxLength));
  const { whole } = exchange;
  if (whole !== undefined) {
    exchange.countRead(whole.length);
    return Promise.resolve(whole);
  }
  return new Promise((resolve, reject) => {
    const { body } = exchange;
    const chunks: Buffer[] = [];
    let length = 0;
    body.on('data', (chunk: Buffer) => {
      length += chunk.length;
      exchange.countRead(chunk.length);
      if (length > maxLength) {
        body.removeAllListeners('data');
        reject(tooLarge(maxLength));
      } else chunks.push(chunk);
    });
    body.once('end', () => {
      const [only] = chunks;
      resolve(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks));
    });
    body.once('error', (error) => {
      reject(asGatehouseError(error, 'truncated', 'The request body ended before its end.'));
    });
    body.once('close', () => {
      if (!body.readableEnded)
        reject(new GatehouseError('truncated', 'The request body ended before its end.'));
    });
  });
}

/** Tells of each chunk when somebody reads it. Readable's own `on` would begin to read; the plain one only listens. */
export function seeChunks(body: Readable, see: (chunk: Uint8Array) => void): void {
  EventEmitter.prototype.on.call(body, 'data', see);
}

/** JSON, or null where there are no bytes. @throws GatehouseError `rpc_bad_request` */
export function parseArgs(bytes: Buffer): unknown {
  if (bytes.length === 0) return null;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (cause) {
    throw new GatehouseError('rpc_bad_request', 'The arguments are no JSON in UTF-8.', { cause });
  }
}

function tooLarge(maxLength: number): GatehouseError {
  return new GatehouseError('rpc_too_large', `The request has more than ${maxLength} bytes.`);
}
