// What the relay says over HTTP before or instead of an upgrade: JSON, and the connection closed after it.
// What went wrong inside the relay stays in its log: a stranger gets neither paths nor reasons.
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { asGatehouseError, GatehouseError } from '../contracts/errors.ts';
import type { ErrorCode } from '../contracts/errors.ts';

/** A refusal with the HTTP status that carries it. */
export class HttpRefusal extends GatehouseError {
  readonly status: number;

  constructor(status: number, code: ErrorCode, message: string) {
    super(code, message);
    this.status = status;
  }
}

const statusOf: Partial<Record<ErrorCode, number>> = {
  not_authorised: 401,
  limit_exceeded: 503,
  oidc_token_rejected: 401,
  oidc_unavailable: 503,
  shutting_down: 503,
};

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  408: 'Request Timeout',
  421: 'Misdirected Request',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

const headers = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  connection: 'close',
} as const;

/** Codes whose message was written for the other end. */
const publicCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'limit_exceeded',
  'not_authorised',
  'oidc_token_rejected',
  'oidc_unavailable',
  'relay_protocol',
  'relay_url_mismatch',
  'service_id_taken',
  'shutting_down',
  'timeout',
]);

/** `error` as the other end may see it; anything from inside is logged and replaced. */
export function publicError(error: unknown, logger: Logger): GatehouseError {
  const coded = asGatehouseError(error);
  if (publicCodes.has(coded.code)) return coded;
  logger.error({ code: coded.code, reason: coded.message }, 'could not decide on a connection');
  return new GatehouseError(
    'internal',
    'The relay could not decide; its log says why. Tell whoever runs it.',
  );
}

export function asRefusal(error: unknown, logger: Logger): HttpRefusal {
  if (error instanceof HttpRefusal) return error;
  const { code, message } = publicError(error, logger);
  return new HttpRefusal(statusOf[code] ?? 500, code, message);
}

export function answerJson(response: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value);
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

/** Answers on the bare socket of an upgrade or of a broken request, and closes it. */
export function refuseSocket(socket: Duplex, refusal: HttpRefusal): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = JSON.stringify({ error: refusal });
  const lines = Object.entries({ ...headers, 'content-length': Buffer.byteLength(body) });
  const head = [
    `HTTP/1.1 ${refusal.status} ${reasons[refusal.status] ?? ''}`,
    ...lines.map(([name, value]) => `${name}: ${value}`),
  ];
  socket.once('finish', () => socket.destroy());
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** For what Node's HTTP parser gave up on. */
export function refuseBroken(error: NodeJS.ErrnoException, socket: Duplex): void {
  const { code = '' } = error;
  if (code === 'HPE_HEADER_OVERFLOW') {
    refuseSocket(socket, new HttpRefusal(431, 'relay_protocol', 'The HTTP header is larger than 16 KiB.'));
  } else if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    refuseSocket(socket, new HttpRefusal(408, 'timeout', 'The HTTP header did not arrive in time.'));
  } else if (code.startsWith('HPE_')) {
    refuseSocket(socket, new HttpRefusal(400, 'relay_protocol', 'That is no HTTP.'));
  } else socket.destroy();
}
