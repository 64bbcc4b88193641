// The log of a long-running command: JSON lines on stderr, so that stdout has nothing but results.
import { destination, pino } from 'pino';
import type { Logger } from 'pino';
import { GatehouseError } from '../../shared/contracts/errors.ts';

/** @throws GatehouseError `usage` naming the levels that exist */
export function makeLogger(level: string): Logger {
  if (level === 'silent' || level in pino.levels.values) {
    return pino({ level, base: null }, destination({ fd: 2, sync: true }));
  }
  const known = [...Object.keys(pino.levels.values), 'silent'].join(', ');
  throw new GatehouseError('usage', `There is no log level "${level}". Choose one of ${known}.`);
}
