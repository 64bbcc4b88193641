// The named limits and time-outs of the client library, each with its unit and default, checked once at login.
import { GatehouseError } from '../contracts/errors.ts';

export interface ClientTimeouts {
  /** Dialling the relay, and its opening message, each; in milliseconds. */
  readonly connectMs: number;
  /** The answer to a stream header, and the TLS handshake after it, each; in milliseconds. */
  readonly handshakeMs: number;
  /** How long a call waits for a sign of life from the service where it says nothing else; in milliseconds. */
  readonly callMs: number;
}

export const defaultTimeouts: ClientTimeouts = { connectMs: 10_000, handshakeMs: 10_000, callMs: 30_000 };

/** Longest time-out that is taken, in milliseconds: an hour. A TLS handshake has its own lower bound. */
const maxTimeoutMs = 3_600_000;
const maxHandshakeMs = 120_000;

/** Requests that `client.requests` and each `service.requests` keep, by default. */
export const defaultRequestLimit = 1000;
const maxRequestLimit = 1_000_000;

/** JSON arguments of a call, in bytes; the service takes no more. */
export const maxArgsLength = 1024 * 1024;
/** JSON arguments beside a streamed body, in bytes: 8 KiB in base64url, and the service takes no more. */
export const maxStreamArgsLength = 6 * 1024;
/** The largest JSON answer that a call takes, in bytes. More is for `service.stream`. */
export const maxAnswerLength = 16 * 1024 * 1024;
/** The largest error that is read as a service's own, in bytes. */
export const maxErrorLength = 64 * 1024;

/** Defaults where `timeouts` is silent. @throws GatehouseError `usage` */
export function checkTimeouts(timeouts: Partial<ClientTimeouts> = {}): ClientTimeouts {
  const { connectMs, handshakeMs, callMs } = { ...defaultTimeouts, ...timeouts };
  return {
    connectMs: checkTimeout('connectMs', connectMs),
    handshakeMs: checkTimeout('handshakeMs', handshakeMs, maxHandshakeMs),
    callMs: checkTimeout('callMs', callMs),
  };
}

/** @throws GatehouseError `usage` */
export function checkTimeout(name: string, milliseconds: number, max = maxTimeoutMs): number {
  return wholeNumber(name, milliseconds, max);
}

/** @throws GatehouseError `usage` */
export function checkRequestLimit(limit: number = defaultRequestLimit): number {
  return wholeNumber('requestLimit', limit, maxRequestLimit);
}

function wholeNumber(name: string, value: number, max: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new GatehouseError('usage', `${name} is a whole number from 1 to ${max}.`);
}
