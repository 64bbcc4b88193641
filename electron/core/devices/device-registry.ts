// The registered devices as a running service sees them: in memory, following the folder, so that what another process
// confirms or revokes counts within a second. It must never take a device for confirmed that is pending, revoked, damaged
// or gone. Where the folder cannot be read for a while it keeps what it last knew.
import type {
  CreatedRegistrationCode,
  OpenRegistrationCode,
} from '../../../shared/contracts/console/devices.ts';
import type { GatehouseError } from '../../../shared/contracts/errors.ts';
import { asGatehouseError } from '../../../shared/contracts/errors.ts';
import { watchFolder } from '../../../shared/storage/watch-folder.ts';
import { deviceIdOf } from './device-file.ts';
import type { DeviceOwner, DeviceRecord } from './device-file.ts';
import { DeviceFiles } from './device-files.ts';
import { LastSeen } from './last-seen.ts';
import { RegistrationCodes } from './registration-codes.ts';

/** How often "last seen" is written, in milliseconds. */
const lastSeenMs = 30_000;

export interface DeviceRegistryOptions {
  readonly dataFolder: string;
  /** A file that cannot be read; told once while it stays so. */
  readonly onProblem: (problem: GatehouseError) => void;
}

interface Known {
  readonly signature: string;
  readonly device: DeviceRecord | null;
}

/** Made by `DeviceRegistry.open`; whoever opens closes. */
export class DeviceRegistry {
  readonly files: DeviceFiles;
  readonly codes: RegistrationCodes;
  readonly #onProblem: (problem: GatehouseError) => void;
  readonly #listeners = new Set<(ids: readonly string[]) => void>();
  readonly #lastSeen: LastSeen;
  readonly #timer: NodeJS.Timeout;
  #known = new Map<string, Known>();
  #openCodes: readonly OpenRegistrationCode[] = [];
  #unwatch: () => void = () => undefined;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor({ dataFolder, onProblem }: DeviceRegistryOptions, lastSeen: LastSeen) {
    this.files = new DeviceFiles(dataFolder);
    this.codes = new RegistrationCodes(dataFolder);
    this.#onProblem = onProblem;
    this.#lastSeen = lastSeen;
    this.#timer = setInterval(() => void this.#writeLastSeen(), lastSeenMs).unref();
  }

  /** Reads all devices, then follows them. @throws GatehouseError `storage_failed` */
  static async open(options: DeviceRegistryOptions): Promise<DeviceRegistry> {
    const lastSeen = await LastSeen.open(new DeviceFiles(options.dataFolder).folder);
    const registry = new DeviceRegistry(options, lastSeen);
    await registry.refresh();
    const watch = { onProblem: options.onProblem };
    const unwatch = [registry.files.folder, registry.codes.folder].map((folder) =>
      watchFolder(folder, () => registry.refresh(), watch),
    );
    registry.#unwatch = () => unwatch.forEach((each) => each());
    return registry;
  }

  /** The device that this user registered with this key, or null. */
  find(owner: DeviceOwner): DeviceRecord | null {
    return this.get(deviceIdOf(owner));
  }

  get(id: string): DeviceRecord | null {
    return this.#known.get(id)?.device ?? null;
  }

  /** By time of registration. */
  all(): readonly DeviceRecord[] {
    const devices = [...this.#known.values()].flatMap(({ device }) => (device === null ? [] : [device]));
    return devices.sort((a, b) => a.registeredAt - b.registeredAt);
  }

  /** Registration codes that are good still, without the codes. */
  openCodes(): readonly OpenRegistrationCode[] {
    const now = Date.now();
    return this.#openCodes.filter(({ expiresAt }) => expiresAt > now);
  }

  /** When the device sent its last authentic request, in milliseconds since the epoch; null where it has sent none. */
  lastSeenAt(id: string): number | null {
    return this.#lastSeen.of(id);
  }

  seen(id: string): void {
    this.#lastSeen.seen(id, Date.now());
  }

  /** @throws GatehouseError as `DeviceFiles.add` */
  async add(device: DeviceRecord): Promise<DeviceRecord> {
    return this.#then(await this.files.add(device));
  }

  /** @throws GatehouseError as `DeviceFiles.confirm` */
  async confirm(...args: Parameters<DeviceFiles['confirm']>): Promise<DeviceRecord> {
    return this.#then(await this.files.confirm(...args));
  }

  /** Its sessions have been ended when this resolves. @throws GatehouseError as `DeviceFiles.revoke` */
  async revoke(id: string): Promise<DeviceRecord> {
    return this.#then(await this.files.revoke(id));
  }

  /** @throws GatehouseError as `DeviceFiles.refuse` */
  async refuse(id: string): Promise<void> {
    await this.files.refuse(id);
    await this.refresh();
  }

  /** @throws GatehouseError as `RegistrationCodes.create` */
  async createCode(): Promise<CreatedRegistrationCode> {
    return this.#then(await this.codes.create());
  }

  /** @throws GatehouseError as `RegistrationCodes.cancel` */
  async cancelCode(id: string): Promise<void> {
    await this.codes.cancel(id);
    await this.refresh();
  }

  /** Told the ids of devices that were registered, changed or are gone; none where codes changed alone. */
  onChange(tell: (ids: readonly string[]) => void): () => void {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  }

  /** Takes up what is there now, without waiting for the watch. @throws GatehouseError `storage_failed` */
  refresh(): Promise<void> {
    // One after the other: what was read last is what stays.
    const run = this.#turn.then(() => this.#reload());
    this.#turn = run.catch(() => undefined);
    return run;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#unwatch();
    this.#listeners.clear();
    await this.#writeLastSeen();
  }

  async #then<T>(result: T): Promise<T> {
    await this.refresh();
    return result;
  }

  async #reload(): Promise<void> {
    const before = this.#known;
    const known = new Map<string, Known>();
    let failure: GatehouseError | null = null;
    for (const id of await this.files.ids()) {
      try {
        const now = await this.#read(id, before.get(id));
        if (now !== null) known.set(id, now);
      } catch (error) {
        // A disk that fails says nothing about the device.
        failure = asGatehouseError(error);
        const old = before.get(id);
        if (old !== undefined) known.set(id, old);
      }
    }
    const codes = await this.codes.list();
    const codesChanged = JSON.stringify(codes) !== JSON.stringify(this.#openCodes);
    this.#known = known;
    this.#openCodes = codes;
    const ids = [...new Set([...before.keys(), ...known.keys()])];
    const changed = ids.filter((id) => before.get(id)?.signature !== known.get(id)?.signature);
    if (changed.length > 0 || codesChanged) for (const tell of this.#listeners) tell(changed);
    if (failure !== null) throw failure;
  }

  /** Only what changed is read: there may be thousands. */
  async #read(id: string, before: Known | undefined): Promise<Known | null> {
    const signature = await this.files.signature(id);
    if (signature === null) return null;
    if (before?.signature === signature) return before;
    try {
      const device = await this.files.read(id);
      return device === null ? null : { signature, device };
    } catch (error) {
      const problem = asGatehouseError(error);
      if (problem.code !== 'device_corrupt') throw problem;
      this.#onProblem(problem);
      return { signature, device: null };
    }
  }

  async #writeLastSeen(): Promise<void> {
    await this.#lastSeen.write((id) => this.#known.has(id)).catch(this.#onProblem);
  }
}
