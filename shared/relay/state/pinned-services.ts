// The keys of the services that have enrolled: the whole Ed25519 public key, pinned under the service id.
// A pinned key is never replaced; whoever wants another one under the id forgets the service first.
import { GatehouseError } from '../../contracts/errors.ts';
import { isServiceId } from '../../contracts/service-id.ts';
import { isTimestamp, RecordFolder } from './record-folder.ts';
import type { Listing } from './record-folder.ts';

export interface PinnedService {
  /** The raw 32-byte key, base64url. */
  readonly publicKey: string;
  readonly enrolledAt: string;
}

export class PinnedServices {
  readonly #records: RecordFolder<PinnedService>;

  constructor(folder: string) {
    this.#records = new RecordFolder(folder, { isId: isServiceId, parse: parseRecord });
  }

  get folder(): string {
    return this.#records.path;
  }

  async prepare(): Promise<void> {
    await this.#records.prepare();
  }

  /** The key pinned under the id, base64url; null for none. @throws GatehouseError `relay_record_corrupt` */
  async keyOf(serviceId: string): Promise<string | null> {
    return (await this.#records.read(serviceId))?.publicKey ?? null;
  }

  /** The caller has made sure that none is pinned. @throws GatehouseError `storage_failed` */
  async pin(serviceId: string, publicKey: string): Promise<void> {
    await this.#records.write(serviceId, { publicKey, enrolledAt: new Date().toJSON() });
  }

  async list(): Promise<Listing<PinnedService>> {
    return this.#records.list();
  }

  /** Also where the record is corrupt. @throws GatehouseError `relay_record_unknown`, `storage_failed` */
  async forget(serviceId: string): Promise<void> {
    if (!isServiceId(serviceId) || !(await this.#records.take(serviceId))) {
      const message = `No service "${serviceId}" has enrolled. See: gatehouse relay services list`;
      throw new GatehouseError('relay_record_unknown', message);
    }
  }
}

function parseRecord(json: Readonly<Record<string, unknown>>): PinnedService | null {
  const { publicKey, enrolledAt } = json;
  if (typeof publicKey !== 'string' || !/^[A-Za-z0-9_-]{43}$/.test(publicKey)) return null;
  return isTimestamp(enrolledAt) ? { publicKey, enrolledAt } : null;
}
