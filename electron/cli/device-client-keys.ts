// The devices of this machine: their keys, encrypted in `~/.gatehouse/client`, and the relay of each. The key store opens
// with a password, or with a key file beside it that its owner alone can read.
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { encryptedFileKeys } from '../../shared/client/device-keys.ts';
import { SignIn } from '../../shared/client/index.ts';
import { Device, KeyStore } from '../../shared/device/index.ts';
import type { DeviceKey } from '../../shared/device/index.ts';
import { parseRelayUrl } from '../../shared/net/dial.ts';
import { ensurePrivateFolder, readFileIfThere, writeFileAtomic } from '../../shared/storage/atomic-file.ts';
import { withFolderLock } from '../../shared/storage/folder-lock.ts';
import type { DeviceFlags } from './device-command.ts';
import { readSecretFile } from './password.ts';
import { defaultFolder } from './paths.ts';
import { readTextFile } from './text-file.ts';

const storeName = 'devices';
/** A name is shown to the administrator, and typed by people. */
const nameForm = /^[^\p{C}\s][^\p{C}]{0,127}$/u;

export interface OpenedDevice {
  readonly device: Device;
  readonly key: DeviceKey;
}

/** Runs `work` on the key store while no other program changes it. @throws as the store, and `data_folder_locked` */
export async function withKeys<T>(flags: DeviceFlags, work: (keys: KeyStore) => Promise<T>): Promise<T> {
  const folder = defaultFolder('client');
  await ensurePrivateFolder(folder);
  const keys = await openKeys(flags);
  return withFolderLock(folder, 'device-keys', async () => {
    await keys.prepare();
    return work(keys);
  });
}

export async function openKeys(flags: DeviceFlags): Promise<KeyStore> {
  const folder = defaultFolder('client');
  const { passwordFile } = flags;
  const secret =
    passwordFile === undefined
      ? { keyFile: join(folder, 'device-keys.key') }
      : { password: await readSecretFile(passwordFile) };
  return new KeyStore(storeName, encryptedFileKeys(folder, secret));
}

/** @throws GatehouseError `device_keys_missing`, `oidc_login_failed` */
export async function openDevice(name: string, flags: DeviceFlags): Promise<OpenedDevice> {
  const keys = await openKeys(flags);
  await keys.prepare();
  const key = keys.get(name);
  return { key, device: await deviceAt(await relayOf(name), key.serviceId, flags) };
}

/** @throws GatehouseError `oidc_login_failed` where nobody has signed in for `relay`, `usage` */
export async function deviceAt(relay: string, serviceId: string, { ca }: DeviceFlags): Promise<Device> {
  if (ca !== undefined) {
    // fetch takes no certificate authorities of its own.
    setDefaultCACertificates([...getCACertificates('default'), await readTextFile(ca)]);
  }
  const signedIn = await SignIn.open(defaultFolder('client'), relay);
  if (signedIn === null) {
    const message = `Nobody has signed in for ${relay}. Run: gatehouse login --relay ${relay} --issuer URL --client-id ID`;
    throw new GatehouseError('oidc_login_failed', message);
  }
  return new Device(signedIn, { relay: relay.replace(/^ws/, 'http'), serviceId });
}

/** @throws GatehouseError `usage` */
export function checkName(name: string): string {
  if (nameForm.test(name)) return name;
  throw new GatehouseError(
    'usage',
    'The name of a device has 1 to 128 characters, and no control characters.',
  );
}

/** The relay in the one form that it is kept in: `wss://…`. @throws GatehouseError `usage` */
export function canonicalRelay(relay: string): string {
  return parseRelayUrl(relay).origin;
}

/** No secret: which relay each device is registered through. */
export async function rememberRelay(name: string, relay: string | null): Promise<void> {
  const relays = new Map(Object.entries(await readRelays()));
  if (relay === null) relays.delete(name);
  else relays.set(name, relay);
  await writeFileAtomic(relaysPath(), `${JSON.stringify(Object.fromEntries(relays), null, 2)}\n`);
}

export async function relayOf(name: string): Promise<string> {
  const relay = new Map(Object.entries(await readRelays())).get(name);
  if (typeof relay === 'string') return relay;
  const message = `${relaysPath()} does not say which relay “${name}” is registered through. Register it again.`;
  throw new GatehouseError('device_keys_missing', message);
}

async function readRelays(): Promise<Record<string, unknown>> {
  const content = await readFileIfThere(relaysPath());
  if (content === null) return {};
  try {
    return { ...(JSON.parse(content.toString('utf8')) as object) };
  } catch (cause) {
    throw new GatehouseError('storage_failed', `${relaysPath()} is damaged. Register the devices again.`, {
      cause,
    });
  }
}

function relaysPath(): string {
  return join(defaultFolder('client'), 'device-relays.json');
}
