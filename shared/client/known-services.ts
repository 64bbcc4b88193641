// Which services this client has seen with end-to-end encryption: those never get plaintext again.
// In memory, and with a state folder on disk, a file a service, so that several processes need no lock.
// Must never forget because something cannot be read: a file that is there counts, whatever is in it.
import { join } from 'node:path';
import { asGatehouseError } from '../contracts/errors.ts';
import { ensurePrivateFolder, readFileIfThere, writeFileAtomic } from '../storage/atomic-file.ts';

export class KnownServices {
  readonly #folder: string | null;
  readonly #warn: (message: string) => void;
  readonly #seen = new Set<string>();

  /** `stateFolder`: null keeps the memory to this process. `warn` is told where it cannot be kept. */
  constructor(stateFolder: string | null, warn: (message: string) => void) {
    this.#folder = stateFolder === null ? null : join(stateFolder, 'seen-with-e2ee');
    this.#warn = warn;
  }

  /** `serviceId` has passed `isServiceId`. @throws GatehouseError `storage_failed` */
  async has(serviceId: string): Promise<boolean> {
    if (this.#seen.has(serviceId)) return true;
    if (this.#folder === null || (await readFileIfThere(this.#pathOf(serviceId, this.#folder))) === null)
      return false;
    this.#seen.add(serviceId);
    return true;
  }

  /** Remembers, durably where there is a state folder. */
  async add(serviceId: string): Promise<void> {
    if (await this.has(serviceId).catch(() => false)) return;
    this.#seen.add(serviceId);
    if (this.#folder === null) return;
    try {
      await ensurePrivateFolder(this.#folder);
      const seen = { v: 1, firstSeen: new Date().toISOString() };
      await writeFileAtomic(this.#pathOf(serviceId, this.#folder), `${JSON.stringify(seen)}\n`);
    } catch (error) {
      const { message } = asGatehouseError(error);
      this.#warn(
        `That ${serviceId} offers end-to-end encryption will be forgotten when this program ends. ${message}`,
      );
    }
  }

  #pathOf(serviceId: string, folder: string): string {
    return join(folder, `${serviceId}.json`);
  }
}
