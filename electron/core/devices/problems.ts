// Refusals of the device API as RFC 9457 problems: unencrypted and untrusted, so they say no more than why. What an
// unforeseen error says stays here.
import type { Problem } from '../../../shared/contracts/device-api.ts';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { ErrorCode } from '../../../shared/contracts/errors.ts';

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  410: 'Gone',
  413: 'Content Too Large',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** Of the agent's refusals; the protocol's section 10.1 lists them. */
export const problemStatuses: Partial<Record<ErrorCode, number>> = {
  body_malformed: 400,
  device_key_invalid: 400,
  REQUEST_NOT_AUTHENTIC: 400,
  truncated: 400,
  oidc_token_required: 401,
  oidc_token_rejected: 401,
  device_corrupt: 403,
  device_unknown: 403,
  device_pending: 403,
  device_revoked: 403,
  device_start_invalid: 403,
  registration_code_invalid: 403,
  not_authorised: 403,
  SESSION_UNKNOWN: 404,
  device_exists: 409,
  device_start_replayed: 409,
  REQUEST_REPLAYED: 409,
  SESSION_EXPIRED: 410,
  body_too_large: 413,
  device_limit: 429,
  limit_exceeded: 503,
  log_unavailable: 503,
  oidc_not_configured: 503,
  oidc_unavailable: 503,
  shutting_down: 503,
  timeout: 503,
};

export function problemOf({ code, message }: GatehouseError): Problem {
  const status = problemStatuses[code] ?? 500;
  return { type: 'about:blank', title: titles[status] ?? 'Error', status, code, detail: message };
}

/** `error` where it is one that a stranger may read: others name paths, or worse. */
export function tellable(error: GatehouseError): GatehouseError {
  if (problemStatuses[error.code] !== undefined) return error;
  return new GatehouseError('internal', 'The call failed at the service. Its administrator can see why.');
}
