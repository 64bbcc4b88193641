// What a request gives its RPC: JSON arguments from the body, or from a header beside a streamed body.
import type { Readable } from 'node:stream';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { Rpc } from '../rpc/rpc.ts';
import { maxArgsLength, parseArgs, readBody, seeChunks } from './body.ts';
import { streamType } from './exchange.ts';
import type { Exchange } from './exchange.ts';

/** JSON in the `gatehouse-args` header, in characters of base64url. */
const maxArgsHeaderLength = 8 * 1024;

export interface RpcInput {
  readonly args: unknown;
  readonly body: Readable | null;
}

/** @throws GatehouseError `rpc_bad_request`, `rpc_too_large`, `truncated` */
export async function readInput(exchange: Exchange, rpc: Rpc): Promise<RpcInput> {
  const isStream = mediaTypeOf(exchange) === streamType;
  if (isStream && !rpc.takesStream) {
    throw new GatehouseError('rpc_bad_request', `The RPC "${rpc.name}" takes JSON, not a stream.`);
  }
  if (!isStream) return { args: parseArgs(await readBody(exchange, maxArgsLength)), body: null };
  const args = argsHeader(exchange);
  seeChunks(exchange.body, (chunk) => exchange.countRead(chunk.length));
  return { args, body: exchange.body };
}

function argsHeader(exchange: Exchange): unknown {
  const text = exchange.header('gatehouse-args') ?? '';
  if (text.length > maxArgsHeaderLength) {
    throw new GatehouseError('rpc_too_large', 'The header gatehouse-args is larger than 8 KiB.');
  }
  if (!/^[A-Za-z0-9_-]*$/.test(text)) {
    throw new GatehouseError('rpc_bad_request', 'The header gatehouse-args is no base64url.');
  }
  return parseArgs(Buffer.from(text, 'base64url'));
}

/** Without parameters, in lower case (RFC 9110 section 8.3.1). */
function mediaTypeOf(exchange: Exchange): string {
  const [type = ''] = (exchange.header('content-type') ?? '').split(';', 1);
  return type.trim().toLowerCase();
}
