// The keys of device sessions in secrets.json: there from the first start on, and made once for an installation from before.
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { importIdentity } from '../../../shared/device/agent.ts';
import { openDeviceSecrets } from './device-secrets.ts';
import { newPasswordKeyParameters } from './password-key.ts';
import { createSecrets, unlockSecrets } from './secrets-file.ts';
import type { Secrets } from './secrets-file.ts';

let folder: string;
let path: string;
let secrets: Secrets;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-secrets-'));
  path = join(folder, 'secrets.json');
  secrets = await createSecrets(path, 'password', newPasswordKeyParameters(2 ** 14));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('„Geheime Schlüssel bleiben jeweils in den Endpunkten“: are there from the first start on, stay the same, and lie encrypted', async () => {
  const first = await openDeviceSecrets(secrets);
  expect((await importIdentity(first.agentKey)).fingerprint).toMatch(/^[0-9a-f]{64}$/);
  expect(first.journalKey).toHaveLength(32);
  expect(await openDeviceSecrets(await unlockSecrets(path, 'password'))).toEqual(first);
  const onDisk = readFileSync(path, 'utf8');
  for (const encoding of ['base64', 'base64url', 'hex'] as const) {
    expect(onDisk).not.toContain(first.agentKey.toString(encoding));
  }
  expect(statSync(path).mode & 0o077).toBe(0);
});

it('are made for an installation from before there were any, the same for all who ask, and nothing else changes', async () => {
  await secrets.update(({ agentKey: _agentKey, journalKey: _journalKey, ...older }) => ({
    ...older,
    unknownToUs: 'kept',
  }));
  const before = await secrets.read();
  const [one, two] = await Promise.all([openDeviceSecrets(secrets), openDeviceSecrets(secrets)]);
  expect(one).toEqual(two);
  expect(await secrets.read()).toMatchObject(before);
  expect(await openDeviceSecrets(await unlockSecrets(path, 'password'))).toEqual(one);
});
