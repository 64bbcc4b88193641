// One-time registration codes, one file each in <data>/registration-codes (mode 0600) for the ten minutes that a code is
// good. The code itself stands in its file, because a proof is an HMAC under it; the file goes before the device that used
// it is confirmed, so that no crash makes a code good twice. A code must never be shown again, sent or logged.
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type {
  CreatedRegistrationCode,
  OpenRegistrationCode,
} from '../../../shared/contracts/console/devices.ts';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { formatRegistrationCode, newRegistrationCode } from '../../../shared/device/registration.ts';
import {
  ensurePrivateFolder,
  isSystemError,
  readFileIfThere,
  removeFileIfThere,
  storageError,
  writeFileAtomic,
} from '../../../shared/storage/atomic-file.ts';
import { withFolderLock } from '../../../shared/storage/folder-lock.ts';
import { timeSchema } from './device-file.ts';

/** How long a code is good, in milliseconds. */
export const registrationCodeMs = 10 * 60_000;
const maxCodes = 32;
const lockName = 'change';
const fileSuffix = '.json';
const maxFileBytes = 4096;
const codeBytes = 16;

const fileSchema = v.object({
  v: v.literal(1),
  id: v.pipe(v.string(), v.regex(/^[a-z2-7]{12}$/)),
  code: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  createdAt: timeSchema,
});

interface OpenCode extends OpenRegistrationCode {
  readonly code: Uint8Array<ArrayBuffer>;
}

export class RegistrationCodes {
  readonly folder: string;
  readonly #now: () => number;

  /** @param now milliseconds since the epoch */
  constructor(dataFolder: string, now: () => number = Date.now) {
    this.folder = join(dataFolder, 'registration-codes');
    this.#now = now;
  }

  /** Makes a code; this is the only time that it is told. @throws GatehouseError `limit_exceeded`, `storage_failed` */
  async create(): Promise<CreatedRegistrationCode> {
    await ensurePrivateFolder(this.folder);
    return withFolderLock(this.folder, lockName, async () => {
      if ((await this.#open()).length >= maxCodes) {
        const message =
          'There are too many registration codes that are good still. Wait until some have expired.';
        throw new GatehouseError('limit_exceeded', message);
      }
      const [id, code, createdAt] = [randomId(), newRegistrationCode(), this.#now()];
      const file = { v: 1, id, code: Buffer.from(code).toString('hex'), createdAt };
      await writeFileAtomic(this.#path(id), `${JSON.stringify(file)}\n`);
      return { id, code: formatRegistrationCode(code), expiresAt: createdAt + registrationCodeMs };
    });
  }

  /** Those that are good still, without the codes. @throws GatehouseError `storage_failed` */
  async list(): Promise<readonly OpenRegistrationCode[]> {
    const open = await this.#open();
    return open.map(({ id, expiresAt }) => ({ id, expiresAt })).sort((a, b) => a.expiresAt - b.expiresAt);
  }

  /** @throws GatehouseError `registration_code_invalid` where there is no such code any more; `storage_failed` */
  async cancel(id: string): Promise<void> {
    await this.#locked(async () => {
      if (!(await this.#open()).some((code) => code.id === id)) throw invalidCode();
      await removeFileIfThere(this.#path(id));
    });
  }

  /**
   * Spends the code for which `matches` holds: it is gone from the disk when this resolves with it.
   * @throws GatehouseError `registration_code_invalid` where none matches; `storage_failed`
   */
  async spend(
    matches: (code: Uint8Array<ArrayBuffer>) => Promise<boolean>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    return this.#locked(async () => {
      for (const { id, code } of await this.#open()) {
        if (!(await matches(code))) continue;
        await removeFileIfThere(this.#path(id));
        return code;
      }
      throw invalidCode();
    });
  }

  async #locked<T>(work: () => Promise<T>): Promise<T> {
    await ensurePrivateFolder(this.folder);
    return withFolderLock(this.folder, lockName, work);
  }

  /** Removes what has expired or is damaged on the way. */
  async #open(): Promise<OpenCode[]> {
    const open: OpenCode[] = [];
    for (const name of await this.#names()) {
      const id = name.slice(0, -fileSuffix.length);
      const bytes = await readFileIfThere(this.#path(id), maxFileBytes);
      const code = bytes === null ? null : parse(id, bytes, this.#now());
      if (code === null) await removeFileIfThere(this.#path(id));
      else open.push(code);
    }
    return open;
  }

  async #names(): Promise<readonly string[]> {
    try {
      return (await readdir(this.folder)).filter((name) => /^[a-z2-7]{12}\.json$/.test(name));
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return [];
      throw storageError('listed', this.folder, error);
    }
  }

  #path(id: string): string {
    return join(this.folder, `${id}${fileSuffix}`);
  }
}

/** Null where it is no code, or not good: also one from the future, since a clock that was set back must not prolong it. */
function parse(id: string, bytes: Buffer, now: number): OpenCode | null {
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), fileSchema), bytes.toString('utf8'));
  if (!result.success || result.output.id !== id) return null;
  const { code, createdAt } = result.output;
  if (now < createdAt - 5_000 || now >= createdAt + registrationCodeMs) return null;
  const raw = new Uint8Array(codeBytes);
  raw.set(Buffer.from(code, 'hex'));
  return { id, code: raw, expiresAt: createdAt + registrationCodeMs };
}

function invalidCode(): GatehouseError {
  const message =
    'The registration code is wrong, was used or cancelled, or is older than ten minutes. Ask the administrator for a new one.';
  return new GatehouseError('registration_code_invalid', message);
}

/** 60 random bits. 32 divides 256, so every character is equally likely. */
function randomId(): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  return Array.from(randomBytes(12), (byte) => alphabet.charAt(byte & 31)).join('');
}
