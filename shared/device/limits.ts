// How long and how far one device session may go. The figures can be lowered in settings and never raised; the app
// learns them inside the agent's signature.
import { GatehouseError } from '../contracts/errors.ts';

export interface DeviceSessionLimits {
  /** From the start answer on, in seconds. */
  readonly lifetimeSeconds: number;
  readonly requests: number;
}

/** The seed's figures: 15 minutes or 1000 requests. */
export const maxDeviceSessionLimits: DeviceSessionLimits = { lifetimeSeconds: 15 * 60, requests: 1000 };

/** After the end, for answers to requests already accepted, in milliseconds. */
export const answerGraceMs = 30_000;

export function withinDeviceSessionLimits({ lifetimeSeconds, requests }: DeviceSessionLimits): boolean {
  return (
    Number.isInteger(lifetimeSeconds) &&
    Number.isInteger(requests) &&
    lifetimeSeconds >= 1 &&
    requests >= 1 &&
    lifetimeSeconds <= maxDeviceSessionLimits.lifetimeSeconds &&
    requests <= maxDeviceSessionLimits.requests
  );
}

/** @throws GatehouseError `settings_invalid` where a limit is raised, or none */
export function checkDeviceSessionLimits(limits: DeviceSessionLimits): DeviceSessionLimits {
  if (withinDeviceSessionLimits(limits)) return limits;
  const message =
    'A device session lasts 1 to 900 seconds and 1 to 1000 requests: the limits can be lowered, not raised.';
  throw new GatehouseError('settings_invalid', message);
}
