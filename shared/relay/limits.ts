// The named limits of a relay. Each is checked once, where the relay is made; together they bound its memory.
import { GatehouseError } from '../contracts/errors.ts';

export interface RelayLimits {
  /** TCP connections at once. */
  readonly maxConnections: number;
  /** TCP connections at once from one address; not applied where a proxy or loopback stands for everybody. */
  readonly maxConnectionsPerAddress: number;
  /** Client connections at once of one user. */
  readonly maxConnectionsPerUser: number;
  /** Services that are proving their key at once. */
  readonly maxPendingOpenings: number;
  /** Streams that one client connection may have open at once. */
  readonly maxStreamsPerClient: number;
  /** Streams that may be open to one service; services take 2048. */
  readonly maxStreamsPerService: number;
  /** Streams that one client connection may open per second in the long run. */
  readonly streamOpensPerSecond: number;
  /** Streams that one client connection may open at once after a quiet time. */
  readonly streamOpenBurst: number;
  /** Bytes that may wait in the streams of one user for a receiver that does not read. */
  readonly maxBufferedBytesPerUser: number;
  /** Bytes that may wait in all streams. */
  readonly maxBufferedBytes: number;
  /** Time for the HTTP header, the TLS handshake and the opening exchange, each, in milliseconds. */
  readonly openingTimeoutMs: number;
  /** Time for the header of a stream, in milliseconds. */
  readonly headerTimeoutMs: number;
  /** Requests that one user of the HTTPS API may have under way at once. */
  readonly maxApiRequestsPerUser: number;
  /** Requests of the HTTPS API that one user may make per second in the long run. */
  readonly apiRequestsPerSecond: number;
  /** Requests of the HTTPS API that one user may make at once after a quiet time. */
  readonly apiRequestBurst: number;
  /** Time for the body of an HTTP request, in milliseconds. */
  readonly bodyTimeoutMs: number;
  /** Time that a service has to begin its answer to a request of the HTTPS API, in milliseconds. */
  readonly answerTimeoutMs: number;
  /** Time that open streams have to finish when the relay stops, in milliseconds. */
  readonly drainMs: number;
}

export const defaultRelayLimits: RelayLimits = {
  maxConnections: 8192,
  maxConnectionsPerAddress: 512,
  maxConnectionsPerUser: 256,
  maxPendingOpenings: 256,
  maxStreamsPerClient: 1024,
  maxStreamsPerService: 2048,
  streamOpensPerSecond: 4000,
  streamOpenBurst: 4096,
  maxBufferedBytesPerUser: 128 * 1024 * 1024,
  maxBufferedBytes: 512 * 1024 * 1024,
  openingTimeoutMs: 10_000,
  headerTimeoutMs: 10_000,
  maxApiRequestsPerUser: 1024,
  apiRequestsPerSecond: 4000,
  apiRequestBurst: 4096,
  bodyTimeoutMs: 60_000,
  answerTimeoutMs: 300_000,
  drainMs: 3000,
};

/** Defaults where `limits` is silent. @throws GatehouseError `usage` naming the limit that is wrong */
export function checkRelayLimits(limits: Partial<RelayLimits> = {}): RelayLimits {
  const all = { ...defaultRelayLimits, ...limits };
  for (const name of Object.keys(defaultRelayLimits) as (keyof RelayLimits)[]) {
    const least = name === 'drainMs' ? 0 : 1;
    if (!Number.isSafeInteger(all[name]) || all[name] < least || all[name] > 0x7fffffff) {
      throw new GatehouseError('usage', `${name} must be a whole number of at least ${least}.`);
    }
  }
  return all;
}
