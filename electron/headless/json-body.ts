// Reads the JSON of a request, no further than its limit allows.
import type { IncomingMessage } from 'node:http';
import { GatehouseError } from '../../shared/contracts/errors.ts';

/** @throws GatehouseError `console_call_malformed`, `rpc_too_large`, `cancelled` */
export async function readJsonBody(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  if (!/^application\/json(?:;\s*charset=utf-8)?$/i.test(request.headers['content-type'] ?? '')) {
    throw new GatehouseError('console_call_malformed', 'The arguments of a call are application/json.');
  }
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maxBytes) throw tooLarge(maxBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof GatehouseError) throw error;
    throw new GatehouseError('cancelled', 'The request ended before its end.', { cause: error });
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
  } catch {
    throw new GatehouseError('console_call_malformed', 'The arguments of the call are no JSON.');
  }
}

function tooLarge(maxBytes: number): GatehouseError {
  return new GatehouseError(
    'rpc_too_large',
    `The arguments are larger than the ${maxBytes} bytes they may have.`,
  );
}
