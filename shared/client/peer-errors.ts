// Errors that another process claims, as errors of ours. The relay may only say what a relay can know, and a
// service nothing that this client alone can judge: neither may make it look as if a check had been made here.
import { GatehouseError, isErrorCode } from '../contracts/errors.ts';
import type { ErrorCode } from '../contracts/errors.ts';
import { printable } from './printable.ts';

/** What a relay, or a service in its place, may refuse a stream with. */
const relayCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'service_offline',
  'not_authorised',
  'limit_exceeded',
  'shutting_down',
  'relay_protocol',
  'header_malformed',
  'header_too_large',
  'header_timeout',
  'relay_unreachable',
]);

/** Verdicts and observations of this client, which no answer may claim. */
const ownCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'fingerprint_invalid',
  'fingerprint_required',
  'fingerprint_mismatch',
  'access_token_malformed',
  'service_not_verified',
  'e2ee_unavailable',
  'e2ee_handshake_failed',
  'downgrade_detected',
  'relay_unreachable',
  'session_ended',
]);

/** What a service may say in a GOAWAY about the requests that it ends (shared/PROTOCOL.md). */
const sessionEnds: Partial<Record<ErrorCode, string>> = {
  access_token_rejected:
    "The service ended the session: its access token was revoked or has expired. Ask the service's administrator for a new one.",
  access_token_required:
    'The service ended the session: it now answers verified sessions only. Get an access token from its administrator and pass it with the fingerprint.',
  e2ee_required: 'The service ended the session: it now answers through end-to-end encryption only.',
  limit_exceeded: 'The service ended the session: a limit has been reached. Try again later.',
  session_ended:
    "The service's administrator ended the session; whether the service acted on the request is unknown. Ask them before you try again.",
};

/** Why the connection with the relay could not be made. */
export function refusalOfRelay(error: GatehouseError): GatehouseError {
  if (error.code === 'wire_closed' || error.code === 'keepalive_timeout') {
    const message = 'The relay closed the connection before it was ready. Check that it runs, and try again.';
    return new GatehouseError('relay_unreachable', message, { cause: error });
  }
  return error.code === 'usage' ? error : claimOfRelay(error);
}

/** Why a stream was not opened, as the relay, or the service through it, says. */
export function refusalOfStream(error: GatehouseError): GatehouseError {
  if (error.code === 'stream_reset' || error.code === 'wire_closed') {
    return new GatehouseError(
      'session_ended',
      'The relay ended the stream before it was answered. Try again.',
      {
        cause: error,
      },
    );
  }
  if (error.code === 'header_timeout') {
    const silent =
      'Neither the relay nor the service answered in time. Check that the service runs, and try again.';
    return new GatehouseError('timeout', silent, { cause: error });
  }
  return claimOfRelay(error);
}

function claimOfRelay(error: GatehouseError): GatehouseError {
  if (relayCodes.has(error.code))
    return new GatehouseError(error.code, printable(error.message), { cause: error });
  if (error.code === 'cancelled') return error;
  const message = 'The relay gave a reason that is not its to give. Is this the right relay?';
  return new GatehouseError('relay_protocol', message, { cause: error });
}

/** The error in an HTTP answer of the relay itself. */
export function errorOfRelayAnswer(status: number, body: Buffer): GatehouseError {
  const { code, message } = parseError(body);
  if (isErrorCode(code) && typeof message === 'string')
    return claimOfRelay(new GatehouseError(code, message));
  const isRefusal = status === 401 || status === 403;
  const what = isRefusal ? 'refused the credentials' : 'did not answer as a Gatehouse relay does';
  return new GatehouseError(
    isRefusal ? 'not_authorised' : 'relay_unreachable',
    `The relay ${what} (HTTP ${status}).`,
  );
}

/** The error in the body of an answer with `status`, or what the status says where there is none. */
export function errorOfAnswer(status: number, body: Buffer): GatehouseError {
  const { code, message } = parseError(body);
  if (isErrorCode(code) && typeof message === 'string') {
    if (!ownCodes.has(code)) return new GatehouseError(code, printable(message), { details: { status } });
  }
  const unclear = `The service refused the request with HTTP ${status} and no reason that can be relied upon.`;
  return new GatehouseError('rpc_failed', unclear, { details: { status } });
}

function parseError(body: Buffer): { code?: unknown; message?: unknown } {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    if (typeof parsed !== 'object' || parsed === null || !('error' in parsed)) return {};
    return typeof parsed.error === 'object' && parsed.error !== null ? parsed.error : {};
  } catch {
    return {};
  }
}

/** What the opaque data of a GOAWAY means for the session's requests; null where it says nothing. */
export function errorOfGoAway(opaque: Uint8Array | undefined): GatehouseError | null {
  const code = Buffer.from(opaque ?? []).toString('latin1');
  if (code === 'shutting_down') {
    return new GatehouseError(
      'session_ended',
      'The service is stopping and ended the session. Try again shortly.',
    );
  }
  const message = isErrorCode(code) ? sessionEnds[code] : undefined;
  return isErrorCode(code) && message !== undefined ? new GatehouseError(code, message) : null;
}
