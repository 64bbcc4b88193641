// secrets.json: the superadmin password (scrypt) wraps a random data key, and the data key seals the
// payload. A running service keeps the data key alone, so that it can read what another process rewrote
// and nobody can read the password out of it. It must never overwrite a file it could not open.
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import {
  ensurePrivateFolder,
  readFileIfThere,
  writeFileAtomic,
} from '../../../shared/storage/atomic-file.ts';
import { withFolderLock } from '../../../shared/storage/folder-lock.ts';
import { assertPrivate } from '../../../shared/storage/private-file.ts';
import { derivePasswordKey, newPasswordKeyParameters, passwordKeySchema } from './password-key.ts';
import type { PasswordKeyParameters } from './password-key.ts';
import { boxToJson, seal, sealedBoxSchema, unseal } from './sealed-box.ts';
import type { SealedBox } from './sealed-box.ts';
import { newSecretsPayload, secretsPayloadSchema } from './secrets-payload.ts';
import type { SecretsPayload } from './secrets-payload.ts';

const dataKeyBytes = 32;
const maxPayloadBytes = 512 * 1024;
const labels = { key: 'gatehouse secrets.json data key v1', payload: 'gatehouse secrets.json payload v1' };
const lockName = 'secrets';

const fileSchema = v.object({
  v: v.literal(1),
  kdf: passwordKeySchema,
  wrappedKey: sealedBoxSchema(dataKeyBytes, dataKeyBytes),
  payload: sealedBoxSchema(2, maxPayloadBytes),
});

interface SecretsFile {
  readonly kdf: PasswordKeyParameters;
  readonly wrappedKey: SealedBox;
  readonly payload: SealedBox;
}

/** An opened secrets.json. Every call reads the file anew. */
export class Secrets {
  readonly #path: string;
  readonly #dataKey: Buffer;

  constructor(path: string, dataKey: Buffer) {
    this.#path = path;
    this.#dataKey = dataKey;
  }

  /** @throws GatehouseError `secrets_missing`, `secrets_corrupt`, `storage_failed` */
  async read(): Promise<SecretsPayload> {
    return openPayload(this.#path, await readSecretsFile(this.#path), this.#dataKey);
  }

  /** Replaces the payload by what `change` makes of it; one process at a time. @throws as `read`, and `data_folder_locked` */
  async update(change: (payload: SecretsPayload) => SecretsPayload): Promise<void> {
    await withFolderLock(dirname(this.#path), lockName, async () => {
      const file = await readSecretsFile(this.#path);
      const payload = change(openPayload(this.#path, file, this.#dataKey));
      await writeSecretsFile(this.#path, { ...file, payload: sealPayload(this.#dataKey, payload) });
    });
  }

  /**
   * Wraps the data key anew. A running service goes on reading; the old password opens nothing new.
   * @throws GatehouseError `superadmin_password_wrong`, with the file untouched; as `update`
   */
  async changePassword(oldPassword: string, newPassword: string): Promise<void> {
    await withFolderLock(dirname(this.#path), lockName, async () => {
      const file = await readSecretsFile(this.#path);
      const dataKey = await unwrapDataKey(this.#path, file, oldPassword);
      const kdf = newPasswordKeyParameters(file.kdf.N);
      const wrappedKey = seal(await derivePasswordKey(newPassword, kdf), labels.key, dataKey);
      await writeSecretsFile(this.#path, { ...file, kdf, wrappedKey });
    });
  }
}

/**
 * Makes secrets.json for a service that starts for the first time: identity key, no certificate yet.
 * @param kdf scrypt parameters; the default costs 128 MiB and about 0.3 s.
 * @throws GatehouseError `secrets_exist`; `secrets_missing` where a certificate or its key is there: the
 *   key's password was in a secrets.json that has been lost
 */
export async function createSecrets(
  path: string,
  password: string,
  kdf = newPasswordKeyParameters(),
): Promise<Secrets> {
  const passwordKey = await derivePasswordKey(password, kdf);
  await ensurePrivateFolder(dirname(path));
  return withFolderLock(dirname(path), lockName, async () => {
    await assertNothingToLose(path);
    const dataKey = randomBytes(dataKeyBytes);
    const payload = sealPayload(dataKey, newSecretsPayload());
    await writeSecretsFile(path, { kdf, wrappedKey: seal(passwordKey, labels.key, dataKey), payload });
    return new Secrets(path, dataKey);
  });
}

/**
 * Opens secrets.json.
 * @throws GatehouseError `secrets_missing`, `secrets_corrupt`, `superadmin_password_wrong`, `file_too_open`,
 *   `superadmin_password_required` for an empty password
 */
export async function unlockSecrets(path: string, password: string): Promise<Secrets> {
  const file = await readSecretsFile(path);
  await assertPrivate(path);
  const dataKey = await unwrapDataKey(path, file, password);
  openPayload(path, file, dataKey);
  return new Secrets(path, dataKey);
}

async function assertNothingToLose(path: string): Promise<void> {
  if ((await readFileIfThere(path)) !== null) {
    throw new GatehouseError('secrets_exist', `${path} is there already. Unlock it with its password.`);
  }
  for (const name of ['e2ee.key', 'e2ee.pem']) {
    if ((await readFileIfThere(join(dirname(path), name))) !== null) throw missingError(path);
  }
}

async function readSecretsFile(path: string): Promise<SecretsFile> {
  const bytes = await readFileIfThere(path);
  if (bytes === null) throw missingError(path);
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw corruptError(path, 'it is no JSON');
  }
  const result = v.safeParse(fileSchema, json);
  if (result.success) return result.output;
  // The issue's own message may quote what it found; the path of the field says enough.
  throw corruptError(path, `"${v.getDotPath(result.issues[0]) ?? 'the whole file'}" is not as it should be`);
}

async function writeSecretsFile(path: string, { kdf, wrappedKey, payload }: SecretsFile): Promise<void> {
  const json = {
    v: 1,
    kdf: { ...kdf, salt: kdf.salt.toString('base64') },
    wrappedKey: boxToJson(wrappedKey),
    payload: boxToJson(payload),
  };
  await writeFileAtomic(path, `${JSON.stringify(json, null, 2)}\n`);
}

async function unwrapDataKey(path: string, file: SecretsFile, password: string): Promise<Buffer> {
  const dataKey = unseal(await derivePasswordKey(password, file.kdf), labels.key, file.wrappedKey);
  if (dataKey !== null) return dataKey;
  const message = `The superadmin password does not open ${path}. Check it and try again; nothing has been changed. (Where it is surely right, the file is damaged: restore it from a backup.)`;
  throw new GatehouseError('superadmin_password_wrong', message, { details: { path } });
}

function sealPayload(dataKey: Buffer, payload: SecretsPayload): SealedBox {
  const content = Buffer.from(JSON.stringify(v.parse(secretsPayloadSchema, payload)), 'utf8');
  // A larger one could be written and never read again.
  if (content.length > maxPayloadBytes)
    throw new GatehouseError('internal', 'The secrets outgrew secrets.json.');
  return seal(dataKey, labels.payload, content);
}

function openPayload(path: string, file: SecretsFile, dataKey: Buffer): SecretsPayload {
  const content = unseal(dataKey, labels.payload, file.payload);
  if (content === null) throw corruptError(path, 'its payload is damaged');
  try {
    return v.parse(secretsPayloadSchema, JSON.parse(content.toString('utf8')));
  } catch {
    throw corruptError(path, 'its payload is not of the form that this version knows');
  }
}

function corruptError(path: string, why: string): GatehouseError {
  const message = `${path} cannot be read: ${why}. Restore it from a backup; nothing has been changed.`;
  return new GatehouseError('secrets_corrupt', message, { details: { path } });
}

function missingError(path: string): GatehouseError {
  const message = `${path} is missing, and with it the service's identity and the password of its certificate key. Restore it from a backup. To start anew with another id and certificate, move e2ee.key and e2ee.pem away first.`;
  return new GatehouseError('secrets_missing', message, { details: { path } });
}
