// Opens a service's secrets.json, or makes it where the service starts for the first time.
// The password must never be asked for here, nor leave this call.
import { join } from 'node:path';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { readFileIfThere } from '../../../shared/storage/atomic-file.ts';
import { createSecrets, unlockSecrets } from './secrets-file.ts';
import type { Secrets } from './secrets-file.ts';

export function secretsPath(dataFolder: string): string {
  return join(dataFolder, 'secrets.json');
}

/** True where no service has run on this folder yet: the password that is given now becomes its password. */
export async function isFirstStart(dataFolder: string): Promise<boolean> {
  for (const name of ['secrets.json', 'e2ee.pem', 'e2ee.key']) {
    if ((await readFileIfThere(join(dataFolder, name))) !== null) return false;
  }
  return true;
}

/** @throws GatehouseError those of `unlockSecrets`; `superadmin_password_required` for an empty password */
export async function openServiceSecrets(dataFolder: string, password: string): Promise<Secrets> {
  if (password === '') {
    throw new GatehouseError('superadmin_password_required', 'The superadmin password may not be empty.');
  }
  const path = secretsPath(dataFolder);
  return (await isFirstStart(dataFolder)) ? createSecrets(path, password) : unlockSecrets(path, password);
}
