// What a request of the HTTPS API asks for, from its path, query and headers as they were sent: nothing is decoded,
// completed or guessed, so no spelling of a path means another one. Pure.
import type { IncomingMessage } from 'node:http';
import { deviceApi, deviceHeaders } from '../../contracts/device-api.ts';
import type { DeviceOperation } from '../../contracts/device-api.ts';
import { GatehouseError } from '../../contracts/errors.ts';
import { isServiceId } from '../../contracts/service-id.ts';
import { HttpRefusal } from '../http-answer.ts';

export const apiPrefix = '/s/';

export interface OperationRoute {
  readonly kind: 'operation';
  readonly serviceId: string;
  readonly operation: DeviceOperation;
  readonly method: string;
  /** What the query says; null unless it says exactly one. */
  readonly version: string | null;
}

export interface BlobRoute {
  readonly kind: 'blob';
  readonly serviceId: string;
  readonly blob: string;
  readonly method: 'GET';
}

export type ApiRoute = OperationRoute | BlobRoute;

const operations = Object.keys(deviceApi) as DeviceOperation[];

/** @throws HttpRefusal 404 where there is nothing at that path */
export function parseRoute(url: string): ApiRoute {
  const [, serviceId, path = '', query = ''] = /^\/s\/([^/?#]+)(\/[^?#]*)(?:\?([^#]*))?$/.exec(url) ?? [];
  if (!isServiceId(serviceId)) throw nothingHere();
  const blob = /^\/blobs\/([A-Za-z0-9_-]{22,64})$/.exec(path)?.[1];
  if (blob !== undefined) return { kind: 'blob', serviceId, blob, method: 'GET' };
  const operation = operations.find((name) => deviceApi[name].path === path);
  if (operation === undefined) throw nothingHere();
  const { method } = deviceApi[operation];
  return { kind: 'operation', serviceId, operation, method, version: versionIn(query) };
}

/** @throws GatehouseError `api_version_unsupported` */
export function checkVersion({ operation, version }: OperationRoute): void {
  const expected = deviceApi[operation].version;
  if (version === expected) return;
  const message = `This call takes exactly one query parameter api-version=${expected}.`;
  throw new GatehouseError('api_version_unsupported', message);
}

/** @throws GatehouseError `content_type_unsupported` for a body of another type, or an encoded one */
export function checkContentType({ headers }: IncomingMessage, operation: DeviceOperation): void {
  if (operation === 'agentinfo') return;
  const expected = operation === 'register' ? 'application/json' : 'application/octet-stream';
  const sent = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  // Bytes of no declared type are an octet-stream (RFC 9110, section 8.3); JSON has to say so.
  const fits = sent === expected || (sent === undefined && operation !== 'register');
  const encoding = headers['content-encoding'] ?? 'identity';
  if (fits && encoding === 'identity') return;
  throw new GatehouseError('content_type_unsupported', `The body of this call is ${expected}, not encoded.`);
}

/** The device's fingerprint that `start` needs. @throws GatehouseError `http_header_missing` */
export function deviceOf(request: IncomingMessage): string {
  return headerOf(
    request,
    deviceHeaders.device,
    /^[0-9a-f]{64}$/,
    'the fingerprint of the device in lower-case hex',
  );
}

/** The session that `request` needs. @throws GatehouseError `http_header_missing` */
export function sessionOf(request: IncomingMessage): string {
  return headerOf(request, deviceHeaders.sessionId, /^[A-Za-z0-9_-]{16,64}$/, 'the id of the session');
}

function headerOf({ headersDistinct }: IncomingMessage, name: string, form: RegExp, what: string): string {
  const [value, ...more] = headersDistinct[name] ?? [];
  if (value !== undefined && more.length === 0 && form.test(value)) return value;
  throw new GatehouseError('http_header_missing', `This call needs one header "${name}" with ${what}.`);
}

function versionIn(query: string): string | null {
  const [version, ...more] = new URLSearchParams(query).getAll('api-version');
  return version === undefined || more.length > 0 ? null : version;
}

function nothingHere(): HttpRefusal {
  return new HttpRefusal(404, 'usage', 'There is nothing here. Check the path and the id of the service.');
}
