// The named limits of the request log, their units, defaults and bounds.
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { RejectionQuotaLimits } from './rejection-quota.ts';

export interface RequestLogLimits extends RejectionQuotaLimits {
  /** Operations held in memory at most; about 1 KiB each. */
  readonly maxQueued: number;
  /** Bytes of captured payloads held in memory at most, beside the operations. */
  readonly maxQueuedPayloadBytes: number;
  /** How long a write waits for another process's lock, in milliseconds. */
  readonly lockWaitMs: number;
  /** Time between attempts to write again after a failure, in milliseconds. */
  readonly probeMs: number;
  /** Time between runs of retention, in milliseconds. */
  readonly retentionEveryMs: number;
  /** Room kept on the disk for audit rows, in bytes. */
  readonly reserveBytes: number;
  /** The newest rows that a loss of power may take, in milliseconds. */
  readonly syncMs: number;
}

export const defaultLimits: RequestLogLimits = {
  maxQueued: 50_000,
  maxQueuedPayloadBytes: 32 * 1024 * 1024,
  lockWaitMs: 250,
  probeMs: 1000,
  retentionEveryMs: 300_000,
  reserveBytes: 4 * 1024 * 1024,
  syncMs: 1000,
  rejectionsPerClient: 60,
  rejectionsInAll: 600,
};

/** The longest time that a timer of Node can wait, in milliseconds. */
const longest = 2 ** 31 - 1;

/** @throws GatehouseError `usage` naming the limit that is no whole number from 1. */
export function checkLimits(limits: RequestLogLimits): RequestLogLimits {
  for (const [name, value] of Object.entries(limits) as [string, number][]) {
    if (Number.isInteger(value) && value >= 1 && value <= longest) continue;
    throw new GatehouseError(
      'usage',
      `The request log's limit ${name} takes a whole number from 1 to ${longest}.`,
    );
  }
  return limits;
}
