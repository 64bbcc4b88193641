// The registered devices of a service, one file each in <data>/devices, so that a damaged one takes no other down. Safe
// to use from several processes at once. It must never turn a pending or revoked device into a confirmed one by itself.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GatehouseError, asGatehouseError } from '../../../shared/contracts/errors.ts';
import {
  ensurePrivateFolder,
  isSystemError,
  readFileIfThere,
  removeFileIfThere,
  storageError,
  writeFileAtomic,
} from '../../../shared/storage/atomic-file.ts';
import { withFolderLock } from '../../../shared/storage/folder-lock.ts';
import { formatDeviceFile, isDeviceId, parseDeviceFile, statusOf } from './device-file.ts';
import type { DeviceRecord } from './device-file.ts';

const fileSuffix = '.json';
const lockName = 'change';
/** A device's file is about 800 bytes. */
const maxFileBytes = 16 * 1024;

export interface PendingLimits {
  /** Devices that wait for the administrator: of one user, and in all. */
  readonly perUser: number;
  readonly inAll: number;
}

export const defaultPendingLimits: PendingLimits = { perUser: 5, inAll: 200 };

export interface DeviceList {
  /** By time of registration. */
  readonly devices: readonly DeviceRecord[];
  /** One for each file that could not be read. */
  readonly problems: readonly GatehouseError[];
}

export class DeviceFiles {
  readonly folder: string;
  readonly #limits: PendingLimits;

  constructor(dataFolder: string, limits: PendingLimits = defaultPendingLimits) {
    this.folder = join(dataFolder, 'devices');
    this.#limits = limits;
  }

  /** All devices, pending and revoked ones too. @throws GatehouseError `storage_failed` */
  async list(): Promise<DeviceList> {
    const devices: DeviceRecord[] = [];
    const problems: GatehouseError[] = [];
    for (const id of await this.ids()) {
      try {
        const device = await this.read(id);
        if (device !== null) devices.push(device);
      } catch (error) {
        problems.push(asGatehouseError(error));
      }
    }
    devices.sort((a, b) => a.registeredAt - b.registeredAt);
    return { devices, problems };
  }

  /** One device from disk, or null. @throws GatehouseError `device_corrupt`, `storage_failed` */
  async read(id: string): Promise<DeviceRecord | null> {
    if (!isDeviceId(id)) return null;
    const bytes = await readFileIfThere(this.#path(id), maxFileBytes);
    return bytes === null ? null : parseDeviceFile(id, bytes);
  }

  /** Which file stands under this id now: another text after every change. Null where there is none. */
  async signature(id: string): Promise<string | null> {
    try {
      const { ino, mtimeMs, size } = await stat(this.#path(id));
      return `${ino}-${mtimeMs}-${size}`;
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return null;
      throw storageError('read', this.#path(id), error);
    }
  }

  /**
   * Puts a new device on record, or what is there already where its id is taken.
   * @throws GatehouseError `device_limit` where too many are pending; `data_folder_locked`, `storage_failed`
   */
  async add(device: DeviceRecord): Promise<DeviceRecord> {
    await ensurePrivateFolder(this.folder);
    return withFolderLock(this.folder, lockName, async () => {
      const there = await this.read(device.id);
      if (there !== null) return there;
      if (statusOf(device) === 'pending') await this.#checkPending(device);
      await this.#write(device);
      return device;
    });
  }

  /**
   * Confirms a pending device whose fingerprint is `fingerprint`; one that is confirmed already stays as it is.
   * @throws GatehouseError `device_unknown`, `fingerprint_mismatch`, `device_revoked`, and those of `read`
   */
  async confirm(
    id: string,
    fingerprint: string,
    by: 'administrator' | 'code' = 'administrator',
    proofs: DeviceRecord['proofs'] = null,
  ): Promise<DeviceRecord> {
    return this.#change(id, (device) => {
      if (device.fingerprint !== fingerprint) throw mismatch();
      if (device.revokedAt !== null) throw revokedError();
      if (device.confirmedAt !== null) return device;
      return { ...device, confirmedAt: Date.now(), confirmedBy: by, proofs };
    });
  }

  /** For good; the file stays, as a record. Revoking twice keeps the first time. @throws as `confirm` */
  async revoke(id: string): Promise<DeviceRecord> {
    return this.#change(id, (device) =>
      device.revokedAt === null ? { ...device, revokedAt: Date.now() } : device,
    );
  }

  /** Forgets a pending device; its user may register it again. @throws GatehouseError `device_unknown`, `device_exists` */
  async refuse(id: string): Promise<void> {
    await this.#locked(id, async (device) => {
      if (statusOf(device) !== 'pending') {
        const message = 'The device is not pending any more. Revoke it instead.';
        throw new GatehouseError('device_exists', message);
      }
      await removeFileIfThere(this.#path(id));
    });
  }

  /** The ids of all files there, readable or not. @throws GatehouseError `storage_failed` */
  async ids(): Promise<readonly string[]> {
    try {
      const names = (await readdir(this.folder)).filter((name) => name.endsWith(fileSuffix));
      return names.map((name) => name.slice(0, -fileSuffix.length)).filter(isDeviceId);
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return [];
      throw storageError('listed', this.folder, error);
    }
  }

  async #change(id: string, change: (device: DeviceRecord) => DeviceRecord): Promise<DeviceRecord> {
    return this.#locked(id, async (device) => {
      const changed = change(device);
      if (changed !== device) await this.#write(changed);
      return changed;
    });
  }

  async #locked<T>(id: string, work: (device: DeviceRecord) => Promise<T>): Promise<T> {
    if ((await this.read(id)) === null) throw unknownError();
    return withFolderLock(this.folder, lockName, async () => {
      const device = await this.read(id);
      if (device === null) throw unknownError();
      return work(device);
    });
  }

  async #checkPending({ issuer, subject }: DeviceRecord): Promise<void> {
    const pending = (await this.list()).devices.filter((device) => statusOf(device) === 'pending');
    const ofUser = pending.filter((device) => device.issuer === issuer && device.subject === subject);
    if (ofUser.length < this.#limits.perUser && pending.length < this.#limits.inAll) return;
    const message =
      'Too many devices wait to be confirmed. Ask the administrator to confirm or refuse them, then register again.';
    throw new GatehouseError('device_limit', message);
  }

  #path(id: string): string {
    return join(this.folder, `${id}${fileSuffix}`);
  }

  async #write(device: DeviceRecord): Promise<void> {
    await writeFileAtomic(this.#path(device.id), formatDeviceFile(device));
  }
}

export function revokedError(): GatehouseError {
  return new GatehouseError(
    'device_revoked',
    'The administrator has revoked this device. Register with a new key, if you may.',
  );
}

function unknownError(): GatehouseError {
  const message = 'There is no such device. The command "service device list" shows the ids.';
  return new GatehouseError('device_unknown', message);
}

function mismatch(): GatehouseError {
  const message =
    'The device registered another key than the one with this fingerprint. Do not confirm it: somebody may be between the device and the service.';
  return new GatehouseError('fingerprint_mismatch', message);
}
