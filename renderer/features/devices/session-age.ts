// How old a device session is, and how old it may become. Its start is told by the service's wall clock and its end by the
// protocol's own, a millisecond apart, so that nothing but whole seconds is to be read off their difference.
import type { DeviceSessionView } from '../../../shared/contracts/console/devices.ts';

const secondMs = 1000;

export interface SessionAge {
  /** Milliseconds of whole seconds, never more than `longest`. */
  readonly age: number;
  /** Milliseconds of whole seconds. */
  readonly longest: number;
}

/** `now` is milliseconds since the epoch. */
export function ageOf(
  { startedAt, endsAt }: Pick<DeviceSessionView, 'startedAt' | 'endsAt'>,
  now: number,
): SessionAge {
  const longest = Math.round((endsAt - startedAt) / secondMs) * secondMs;
  const age = Math.floor((now - startedAt) / secondMs) * secondMs;
  return { age: Math.max(0, Math.min(longest, age)), longest };
}
