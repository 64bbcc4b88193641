// One HTTP request and its answer, alike for HTTP/2 and HTTP/1.1: what the router works on.
import type { Readable } from 'node:stream';
import type { ErrorCode, GatehouseError } from '../../../shared/contracts/errors.ts';
import type { VerifiedBy } from '../../../shared/contracts/requests.ts';

export interface Exchange {
  readonly method: string;
  readonly path: string;
  /** Of a request in a device session. */
  readonly counter?: number;
  /** A request header by its lower-case name. */
  header(name: string): string | undefined;
  /** True where the request has no body at all. */
  readonly bodyless: boolean;
  /** Octets of the request body. Destroyed with `truncated` where the body ends before its end. */
  readonly body: Readable;
  /** The same octets, where all of them are here already. */
  readonly whole?: Buffer;
  /** Sends a whole answer. */
  respond(status: number, contentType: string, body: Buffer): void;
  /** Sends a streamed answer; resolves at its end. `onFirst` is called before its first byte leaves. @throws what broke it off */
  stream(contentType: string, body: Readable, onFirst?: () => void): Promise<void>;
  /** Called once when the caller goes away before the answer is whole. */
  onAborted(tell: () => void): void;
  /** Called once when the last byte of the answer has left, or none will leave any more. */
  onClosed(tell: () => void): void;
  /** Breaks the exchange off, so that the caller sees no complete answer. */
  abort(): void;
  /** The router has read so many bytes of the body itself. */
  countRead(bytes: number): void;
  /** Body bytes, read from the caller and written to it. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

export const jsonType = 'application/json';
export const streamType = 'application/octet-stream';
export const scramType = 'text/plain; charset=utf-8';

/** The client's word on how it checked our certificate. */
export function verifiedByOf(exchange: Exchange): VerifiedBy {
  return exchange.header('gatehouse-verified-by') === 'fingerprint' ? 'fingerprint' : 'none';
}

const statuses: Partial<Record<ErrorCode, number>> = {
  usage: 400,
  rpc_bad_request: 400,
  truncated: 400,
  access_token_required: 401,
  e2ee_required: 403,
  access_token_rejected: 403,
  verification_failed: 403,
  not_authorised: 403,
  rpc_unknown: 404,
  collection_read_only: 403,
  collection_unknown: 404,
  cursor_invalid: 400,
  document_changing: 503,
  document_conflict: 409,
  document_name_invalid: 400,
  document_preparing: 503,
  document_unknown: 404,
  document_version_unknown: 404,
  range_invalid: 416,
  rpc_too_large: 413,
  too_many_attempts: 429,
  log_unavailable: 503,
  shutting_down: 503,
  limit_exceeded: 503,
};

export function statusOf(code: ErrorCode): number {
  return statuses[code] ?? 500;
}

/** Answers with `{"error":{code,message,details?}}`: no stack, no cause. */
export function respondError(exchange: Exchange, error: GatehouseError): void {
  exchange.respond(statusOf(error.code), jsonType, Buffer.from(JSON.stringify({ error })));
}
