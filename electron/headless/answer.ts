// How a request is answered, and with which status each code goes.
import type { ServerResponse } from 'node:http';
import type { ErrorCode, SerialisedError } from '../../shared/contracts/errors.ts';
import { cacheControl } from './page-headers.ts';

const statuses: Partial<Record<ErrorCode, number>> = {
  not_signed_in: 401,
  origin_refused: 403,
  superadmin_password_wrong: 403,
  password_needed: 403,
  setup_key_invalid: 403,
  console_call_unknown: 404,
  request_unknown: 404,
  session_unknown: 404,
  export_unknown: 404,
  view_unknown: 404,
  access_token_unknown: 404,
  already_set_up: 409,
  not_serving: 409,
  rpc_too_large: 413,
  sign_in_delayed: 429,
  limit_exceeded: 429,
  internal: 500,
  storage_failed: 500,
  log_unavailable: 503,
  audit_unavailable: 503,
  shutting_down: 503,
};

/** The status of an answer that carries this error. */
export function statusOf({ code }: SerialisedError): number {
  return statuses[code] ?? 400;
}

export function answerJson(response: ServerResponse, status: number, value: unknown): void {
  if (response.headersSent || response.destroyed) return;
  const body = Buffer.from(JSON.stringify(value), 'utf8');
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.length,
    'cache-control': cacheControl.never,
  });
  response.end(body);
}

export function answerText(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent || response.destroyed) return;
  const body = Buffer.from(`${text}\n`, 'utf8');
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': body.length,
    'cache-control': cacheControl.never,
  });
  response.end(body);
}
