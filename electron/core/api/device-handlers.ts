// Devices: confirmed as they were compared, refused, revoked; registration codes, told once; their sessions ended.
import type { DeviceSessionView } from '../../../shared/contracts/console/devices.ts';
import type { AuditAction } from '../../../shared/contracts/console/models.ts';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { DeviceAdministration } from '../devices/device-administration.ts';
import { done } from './call-context.ts';
import type { CallContext, CallsOf, ConsoleParts, Handlers } from './call-context.ts';
import { describeDevice, expectedCode } from './follow-devices.ts';

export function deviceHandlers(parts: ConsoleParts): Handlers<CallsOf<'devices'>> {
  const devices = (): DeviceAdministration => parts.installation.service.devices;
  return {
    'devices.confirm': async ({ id, fingerprint }, context) => {
      const { status } = known(devices(), id);
      await change(parts, context, { id, action: 'device.confirmed', becomes: 'confirmed' }, () => {
        if (status !== 'pending') throw notPending();
        return devices().confirm(id, fingerprint);
      });
      return done;
    },
    'devices.refuse': async ({ id }, context) => {
      await change(parts, context, { id, action: 'device.refused', becomes: 'gone' }, () =>
        devices().refuse(id),
      );
      return done;
    },
    'devices.revoke': ({ id }, context) =>
      change(parts, context, { id, action: 'device.revoked', becomes: 'revoked' }, () =>
        devices().revoke(id),
      ),
    ...codeHandlers(parts, devices),
    'devices.endSession': async ({ id }, { session: { actor } }) => {
      const { deviceName, subject } = liveSession(parts, id);
      const entry = {
        action: 'device.session_ended',
        actor,
        subject: id,
        old: `${deviceName} · ${subject}`,
      } as const;
      await parts.audit.around(entry, async () => {
        devices().endSession(id);
      });
      return done;
    },
  };
}

function codeHandlers(
  { audit, expected }: ConsoleParts,
  devices: () => DeviceAdministration,
): Pick<Handlers, 'devices.createCode' | 'devices.cancelCode'> {
  return {
    'devices.createCode': async (_args, { session: { actor } }) => {
      const undo = expected.expect(expectedCode, 'created');
      const made = await devices()
        .createCode()
        .catch((error: unknown) => {
          undo();
          throw error;
        });
      try {
        // It is told to nobody before it is on record under its id.
        await audit.record({ action: 'device.code_created', actor, subject: made.id });
      } catch (error) {
        await devices().cancelCode(made.id);
        throw error;
      }
      return made;
    },
    'devices.cancelCode': async ({ id }, { session: { actor } }) => {
      await audit.around({ action: 'device.code_cancelled', actor, subject: id }, () =>
        devices().cancelCode(id),
      );
      return done;
    },
  };
}

interface Change {
  readonly id: string;
  readonly action: Extract<AuditAction, 'device.confirmed' | 'device.refused' | 'device.revoked'>;
  readonly becomes: 'confirmed' | 'revoked' | 'gone';
}

async function change<T>(
  { installation, audit, expected }: ConsoleParts,
  { session: { actor } }: CallContext,
  { id, action, becomes }: Change,
  run: () => Promise<T>,
): Promise<T> {
  const device = known(installation.service.devices, id);
  const what = describeDevice(device);
  const told = becomes === 'confirmed' ? { value: what } : { old: what };
  const undo = expected.expect(id, becomes);
  return audit
    .around({ action, actor, subject: device.fingerprint, ...told }, run)
    .catch((error: unknown) => {
      undo();
      throw error;
    });
}

/** @throws GatehouseError `device_unknown` */
function known(
  devices: DeviceAdministration,
  id: string,
): NonNullable<ReturnType<DeviceAdministration['device']>> {
  const device = devices.device(id);
  if (device !== undefined) return device;
  const message = 'There is no such device any more. It may have been refused meanwhile.';
  throw new GatehouseError('device_unknown', message);
}

function notPending(): GatehouseError {
  const message = 'The device does not wait any more: somebody else has confirmed or revoked it meanwhile.';
  return new GatehouseError('device_exists', message);
}

/** @throws GatehouseError `session_unknown` */
function liveSession({ installation }: ConsoleParts, id: string): DeviceSessionView {
  try {
    return installation.service.data.devices.sessions.find(id).view();
  } catch {
    const message = 'There is no live session with this id. It may have ended by itself.';
    throw new GatehouseError('session_unknown', message);
  }
}
