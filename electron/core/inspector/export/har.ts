// A request as an entry of a HAR 1.2 archive (w3c.github.io/web-performance/specs/HAR): what HTTP does not have is in
// members that begin with an underscore, as the format asks. Pure.
import type { CapturedPayload, RequestDetail } from '../../../../shared/contracts/console/models.ts';
import type { RequestStatus } from '../../../../shared/contracts/requests.ts';
import { flatRecord } from './record.ts';

/** What stands around the entries. */
export const harStart =
  '{"log":{"version":"1.2","creator":{"name":"Gatehouse","version":"1"},"pages":[],"entries":[\n';
export const harEnd = '\n]}}\n';

/** What HTTP would have said; 0 where no answer came to its end. */
const httpStatus: Readonly<Record<RequestStatus, readonly [number, string]>> = {
  SUCCESS: [200, 'OK'],
  FAILED: [500, 'Failed'],
  REJECTED: [403, 'Rejected'],
  TIMED_OUT: [504, 'Timed out'],
  CANCELLED: [0, 'Cancelled'],
  INTERRUPTED: [0, 'Interrupted'],
  RUNNING: [0, 'Running'],
};

export function harEntry(request: RequestDetail): Record<string, unknown> {
  const timings = timingsOf(request);
  return {
    startedDateTime: new Date(request.sentAt).toISOString(),
    time: sumOf(timings),
    request: requestOf(request),
    response: responseOf(request),
    cache: {},
    timings,
    ...(request.sessionId === null ? {} : { connection: request.sessionId }),
    ...(request.note === null ? {} : { comment: request.note }),
    _gatehouse: flatRecord(request),
  };
}

function requestOf(request: RequestDetail): Record<string, unknown> {
  const body = request.payloads.find(({ direction }) => direction === 'request');
  return {
    method: 'POST',
    url: `https://${request.serviceId}.invalid/rpc/${encodeURIComponent(request.rpcName.toWellFormed())}`,
    ...common(request),
    queryString: [],
    bodySize: request.bytesRead ?? -1,
    ...(body === undefined ? {} : { postData: postDataOf(body) }),
  };
}

function responseOf(request: RequestDetail): Record<string, unknown> {
  const [status, statusText] = httpStatus[request.status];
  const body = request.payloads.find(({ direction }) => direction === 'answer');
  return {
    status,
    statusText,
    ...common(request),
    content: contentOf(body, request.bytesWritten ?? 0),
    redirectURL: '',
    bodySize: request.bytesWritten ?? -1,
  };
}

function common({ h2MultiplexingUsed }: RequestDetail): Record<string, unknown> {
  return {
    httpVersion: h2MultiplexingUsed ? 'HTTP/2.0' : 'HTTP/1.1',
    cookies: [],
    headers: [],
    headersSize: -1,
  };
}

/** The format knows no encoding here: bytes that are no text say so in a member of ours. */
function postDataOf(body: CapturedPayload): Record<string, unknown> {
  const encoded = body.text === null ? { _encoding: 'base64' } : {};
  return {
    mimeType: body.contentType,
    params: [],
    text: body.text ?? body.base64 ?? '',
    ...encoded,
    ...marks(body),
  };
}

function contentOf(body: CapturedPayload | undefined, size: number): Record<string, unknown> {
  if (body === undefined) return { size, mimeType: '' };
  const encoded = body.text === null ? { encoding: 'base64' } : {};
  return {
    size,
    mimeType: body.contentType,
    text: body.text ?? body.base64 ?? '',
    ...encoded,
    ...marks(body),
  };
}

function marks({ totalBytes, truncated, redactions }: CapturedPayload): Record<string, unknown> {
  return { _totalBytes: totalBytes, _truncated: truncated, _redactions: redactions };
}

interface Timings {
  readonly blocked: number;
  readonly dns: number;
  readonly connect: number;
  readonly ssl: number;
  readonly send: number;
  readonly wait: number;
  readonly receive: number;
}

/** -1 is "does not apply". Connecting is TLS handshake and session verification; all of it counts as `ssl`. */
function timingsOf({ timing, durationMs }: RequestDetail): Timings {
  const { queueMs, handshakeMs, verificationMs, handlerMs, transferMs } = timing;
  const connected = handshakeMs === null && verificationMs === null;
  const connect = connected ? -1 : (handshakeMs ?? 0) + (verificationMs ?? 0);
  const wait = handlerMs ?? Math.max(0, (durationMs ?? 0) - (queueMs ?? 0) - (transferMs ?? 0));
  return { blocked: queueMs ?? -1, dns: -1, connect, ssl: connect, send: 0, wait, receive: transferMs ?? 0 };
}

/** `ssl` is a part of `connect`. */
function sumOf({ blocked, connect, send, wait, receive }: Timings): number {
  return [blocked, connect, send, wait, receive].reduce((sum, part) => sum + Math.max(0, part), 0);
}
