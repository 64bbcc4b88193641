// How the HTTPS API refuses: RFC 9457 problems with our codes. A refusal is nobody's secret and proves nothing to
// whoever gets it; what went wrong inside the relay stays in its log.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Problem } from '../../contracts/device-api.ts';
import { asGatehouseError, errorCodes, GatehouseError } from '../../contracts/errors.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import { HttpRefusal } from '../http-answer.ts';

/** Codes that the relay itself refuses with, and their status. */
const statusOf: Partial<Record<ErrorCode, number>> = {
  api_version_unsupported: 400,
  blob_unknown: 404,
  body_too_large: 413,
  content_type_unsupported: 415,
  http_header_missing: 400,
  limit_exceeded: 429,
  not_authorised: 403,
  oidc_not_configured: 501,
  oidc_token_rejected: 401,
  oidc_token_required: 401,
  oidc_unavailable: 503,
  range_invalid: 416,
  relay_protocol: 502,
  service_offline: 503,
  shutting_down: 503,
  stream_reset: 502,
  timeout: 504,
  truncated: 502,
};

/** What a dropped body may still have, in milliseconds, so that its sender gets to read the refusal. */
const lingerMs = 2000;

/** `error` as whoever asks may see it; anything from inside is logged and replaced. */
export function asApiRefusal(error: unknown, logger: Logger): HttpRefusal {
  if (error instanceof HttpRefusal) return error;
  const { code, message } = asGatehouseError(error);
  const status = statusOf[code];
  if (status !== undefined) return new HttpRefusal(status, code, message);
  logger.error({ code, reason: message }, 'could not answer a request of the HTTPS API');
  const hidden = 'The relay could not answer; its log says why. Tell whoever runs it.';
  return new HttpRefusal(500, 'internal', hidden);
}

/** What a service refused a stream with, or broke it off with. A code of ours is passed on as the service's word. */
export function asServiceRefusal(error: GatehouseError): GatehouseError {
  const { code, message } = error;
  if (code.startsWith('header_')) {
    return new GatehouseError(
      'relay_protocol',
      'The service answered in a form that this relay does not know.',
    );
  }
  if (code === 'wire_closed' || code === 'service_replaced' || code === 'keepalive_timeout') {
    return new GatehouseError(
      'service_offline',
      'The service lost its connection to the relay. Try again in a moment.',
    );
  }
  return new HttpRefusal(statusOf[code] ?? 502, code, message);
}

/** Answers with a problem, once; what is left of the request's body is dropped. */
export function answerProblem(
  request: IncomingMessage,
  response: ServerResponse,
  refusal: HttpRefusal,
): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, code, message } = refusal;
  const problem: Problem = { type: 'about:blank', title: errorCodes[code], status, code, detail: message };
  const body = JSON.stringify(problem);
  response.writeHead(status, {
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    ...(status === 401 ? { 'www-authenticate': challenge(code) } : {}),
    ...(status === 429 || status === 503 ? { 'retry-after': '1' } : {}),
  });
  response.end(body);
  dropBody(request);
}

/** RFC 6750, section 3. */
function challenge(code: ErrorCode): string {
  return code === 'oidc_token_required' ? 'Bearer' : 'Bearer error="invalid_token"';
}

/** Ended before its sender has finished, a connection would be reset, and the refusal lost with it. */
function dropBody(request: IncomingMessage): void {
  if (request.complete) return;
  request.resume();
  const timer = setTimeout(() => request.socket.destroy(), lingerMs);
  timer.unref();
  request.once('end', () => {
    clearTimeout(timer);
  });
  request.once('close', () => {
    clearTimeout(timer);
  });
}
