// The named limits of a yamux session. Each is checked once, where the session is made.
import { GatehouseError } from '../contracts/errors.ts';

/** The receive window that a stream has by the spec before any update, in bytes. */
export const initialWindow = 256 * 1024;

export interface WireLimits {
  /** Streams that the peer may have open at once. */
  readonly maxInboundStreams: number;
  /** Receive window that a stream may grow to while its reader keeps up, in bytes. */
  readonly maxStreamWindow: number;
  /** Receive windows of all streams together may grow, beyond the initial ones, by this many bytes. */
  readonly maxWindowGrowth: number;
  /** Payload of the largest data frame that we send, in bytes. */
  readonly maxFramePayload: number;
  /** Ping answers that may wait while the output is congested. */
  readonly maxPendingPongs: number;
  /** Streams that the peer may open, refused ones included, while the output is congested. */
  readonly maxCongestedOpens: number;
}

export const defaultWireLimits: WireLimits = {
  maxInboundStreams: 1024,
  maxStreamWindow: 4 * 1024 * 1024,
  maxWindowGrowth: 32 * 1024 * 1024,
  // With its header it fills a WebSocket message that, masked, fills a TLS record of 16 KiB. So a receiver gets each
  // full frame in one piece, and a relay passes it on as one frame that again fits one record.
  maxFramePayload: 16 * 1024 - 8 - 12,
  maxPendingPongs: 64,
  maxCongestedOpens: 4096,
};

/** No limit may be set higher. */
const greatest = 0x7fffffff;

/** Defaults where `limits` is silent. @throws GatehouseError `usage` naming the limit that is wrong. */
export function checkWireLimits(limits: Partial<WireLimits> = {}): WireLimits {
  const all = { ...defaultWireLimits, ...limits };
  const least: WireLimits = {
    maxInboundStreams: 0,
    maxStreamWindow: initialWindow,
    maxWindowGrowth: 0,
    maxFramePayload: 1,
    maxPendingPongs: 1,
    maxCongestedOpens: 1,
  };
  for (const name of Object.keys(least) as (keyof WireLimits)[]) {
    if (!Number.isSafeInteger(all[name]) || all[name] < least[name] || all[name] > greatest) {
      throw new GatehouseError('usage', `${name} must be a whole number from ${least[name]} to ${greatest}.`);
    }
  }
  return all;
}
