import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newIdentity } from '../device/agent.ts';
import { exportDeviceKey, KeyStore } from '../device/index.ts';
import type { DeviceKey } from '../device/index.ts';
import { encryptedFileKeys } from './device-keys.ts';
import type { StoreSecret } from './device-keys.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-keys-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const path = (): string => join(folder, 'keys', 'scripts.device-keys.json');
const keyFile = (): string => join(folder, 'device-keys.key');

async function newKey(): Promise<DeviceKey> {
  const [identity, agent] = await Promise.all([newIdentity({ extractable: true }), newIdentity()]);
  return {
    identity,
    agent,
    serviceId: 'abcd-efgh-2345',
    issuer: 'https://login',
    subject: 'anna',
    proved: true,
  };
}

async function keep(secret: StoreSecret): Promise<DeviceKey> {
  const store = new KeyStore('scripts', encryptedFileKeys(join(folder, 'keys'), secret));
  await store.prepare();
  const key = await newKey();
  store.add('laptop', key);
  await store.postpare();
  return key;
}

async function open(secret: StoreSecret, name = 'scripts'): Promise<KeyStore> {
  const store = new KeyStore(name, encryptedFileKeys(join(folder, 'keys'), secret));
  await store.prepare();
  return store;
}

function turn(byteOf: 'sealed' | 'nonce'): void {
  const file = JSON.parse(readFileSync(path(), 'utf8')) as Record<string, string>;
  const bytes = Buffer.from(file[byteOf] ?? '', 'base64');
  bytes[3]! ^= 1;
  writeFileSync(path(), JSON.stringify({ ...file, [byteOf]: bytes.toString('base64') }), { mode: 0o600 });
}

describe.each([
  ['a password', () => ({ password: 'correct horse' })],
  ['a key file', () => ({ keyFile: keyFile() })],
])('a key store on disk under %s', (_name, secretOf) => {
  it('gives back the same device, in a file of its owner alone that shows nothing of the key', async () => {
    const key = await keep(secretOf());
    const again = (await open(secretOf())).get('laptop');
    expect(again).toMatchObject({ subject: 'anna', proved: true, serviceId: 'abcd-efgh-2345' });
    expect(again.identity.fingerprint).toBe(key.identity.fingerprint);
    expect(again.agent.fingerprint).toBe(key.agent.fingerprint);
    const secret = Buffer.from((await exportDeviceKey(key)).privateKey);
    const content = readFileSync(path(), 'utf8');
    for (const encoding of ['base64', 'base64url', 'hex'] as const) {
      expect(content).not.toContain(secret.toString(encoding).slice(60, 100));
    }
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'keys')).mode & 0o777).toBe(0o700);
  });

  it('is never encrypted twice under one nonce', async () => {
    await keep(secretOf());
    const nonceOf = (): string => (JSON.parse(readFileSync(path(), 'utf8')) as { nonce: string }).nonce;
    const before = nonceOf();
    await (await open(secretOf())).postpare();
    expect(nonceOf()).not.toBe(before);
  });

  it.each(['sealed', 'nonce'] as const)('is refused where a bit of its %s was turned', async (part) => {
    await keep(secretOf());
    turn(part);
    await expect(open(secretOf())).rejects.toMatchObject({ code: 'device_keys_missing' });
  });

  it('is refused under another name, and where others can read it', async () => {
    await keep(secretOf());
    const other = join(folder, 'keys', 'other.device-keys.json');
    writeFileSync(other, readFileSync(path()), { mode: 0o600 });
    await expect(open(secretOf(), 'other')).rejects.toMatchObject({ code: 'device_keys_missing' });
    chmodSync(path(), 0o640);
    await expect(open(secretOf())).rejects.toMatchObject({ code: 'file_too_open' });
  });
});

describe('the secret of a key store', () => {
  it.each([
    ['another password', { password: 'wrong' }],
    ['a key file in the place of a password', { keyFile: '' }],
  ])('is refused where it is %s', async (_name, secret) => {
    await keep({ password: 'right' });
    const given = 'keyFile' in secret ? { keyFile: keyFile() } : secret;
    await expect(open(given)).rejects.toMatchObject({ code: 'device_keys_missing' });
  });

  it('in a file is refused where others can read it, or where it is another one', async () => {
    await keep({ keyFile: keyFile() });
    chmodSync(keyFile(), 0o604);
    await expect(open({ keyFile: keyFile() })).rejects.toMatchObject({ code: 'file_too_open' });
    writeFileSync(`${keyFile()}2`, `${Buffer.alloc(32, 7).toString('base64url')}\n`, { mode: 0o600 });
    await expect(open({ keyFile: `${keyFile()}2` })).rejects.toMatchObject({ code: 'device_keys_missing' });
  });

  it('is stretched no further than a file of ours may ask for', async () => {
    await keep({ password: 'right' });
    const file = JSON.parse(readFileSync(path(), 'utf8')) as { way: Record<string, unknown> };
    file.way.N = 2 ** 24;
    writeFileSync(path(), JSON.stringify(file), { mode: 0o600 });
    await expect(open({ password: 'right' })).rejects.toMatchObject({ code: 'storage_failed' });
  });
});
