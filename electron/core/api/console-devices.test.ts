// Devices and document collections at the console: what its calls change, what is on record of that and of what comes
// through the command line, and that nothing is confirmed but what was compared.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { newIdentity } from '../../../shared/device/agent.ts';
import { deviceIdOf } from '../devices/device-file.ts';
import type { DeviceRecord } from '../devices/device-file.ts';
import { DeviceFiles } from '../devices/device-files.ts';
import { RegistrationCodes } from '../devices/registration-codes.ts';
import { Collections } from '../documents/collections.ts';
import { SampleConsole } from './console-samples.ts';

const soon = { timeout: 5_000, interval: 20 };

/** The least cost that a secrets.json may have: what a password costs is tested in secrets-file.test.ts. */
vi.mock(import('../secrets/password-key.ts'), async (original) => {
  const own = await original();
  return { ...own, newPasswordKeyParameters: () => own.newPasswordKeyParameters(2 ** 14) };
});

const me = 'administrator (desktop)';
let sample: SampleConsole;
let shared: string;
beforeEach(async () => {
  sample = await SampleConsole.open(true);
  shared = await mkdtemp(join(tmpdir(), 'gatehouse-published-'));
  await writeFile(join(shared, 'plan.txt'), 'plan');
  await mkdir(join(shared, 'sub'));
});
afterEach(async () => {
  await sample.close();
  await rm(shared, { recursive: true, force: true });
});

/** As an app registers it. */
async function register(subject: string): Promise<DeviceRecord> {
  const { fingerprint, jwk } = await newIdentity();
  const owner = { issuer: 'https://id.example', subject, fingerprint };
  const { registry } = sample.installation.service.data.devices;
  return registry.add({
    ...{ v: 1, id: deviceIdOf(owner), name: 'Phone', ...owner, registeredAt: Date.now() },
    publicKey: jwk,
    ...{ confirmedAt: null, confirmedBy: null, revokedAt: null, proofs: null },
  });
}

const told = async (filter: string): Promise<unknown[]> =>
  (await sample.audit(filter)).map(({ action, actor, old, value, code }) => [
    action,
    actor,
    old,
    value,
    code,
  ]);
const statusOf = async (id: string): Promise<string | undefined> =>
  (await sample.topic('devices')).devices.find((device) => device.id === id)?.status;

describe('devices', () => {
  it('are on record with who, whose and what, from registration to the end', async () => {
    const { id, fingerprint } = await register('anna');
    const what = 'Phone · anna · https://id.example';
    expect(await statusOf(id)).toBe('pending');
    expect(await sample.topic('attention')).toEqual({ waitingDevices: 1 });
    await sample.call('devices.confirm', { id, fingerprint });
    expect(await sample.topic('attention')).toEqual({ waitingDevices: 0 });
    expect(await statusOf(id)).toBe('confirmed');
    expect(await sample.call('devices.revoke', { id })).toEqual({ sessionsEnded: 0 });
    expect(await statusOf(id)).toBe('revoked');
    expect((await told(`subject:${fingerprint}`)).reverse()).toEqual([
      ['device.registered', 'anna', null, what, null],
      ['device.confirmed', me, null, what, null],
      ['device.revoked', me, what, null, null],
    ]);
  });

  it('are not confirmed under another fingerprint than the one that was compared, and the try is on record', async () => {
    const { id, fingerprint } = await register('anna');
    const other = (await newIdentity()).fingerprint;
    await expect(sample.call('devices.confirm', { id, fingerprint: other })).rejects.toMatchObject({
      code: 'fingerprint_mismatch',
    });
    expect(await statusOf(id)).toBe('pending');
    expect(await told(`subject:${fingerprint} code:fingerprint_mismatch`)).toHaveLength(1);
  });

  it('that were revoked are not confirmed again', async () => {
    const { id, fingerprint } = await register('anna');
    await sample.call('devices.revoke', { id });
    await expect(sample.call('devices.confirm', { id, fingerprint })).rejects.toThrow();
    expect(await statusOf(id)).toBe('revoked');
  });

  it('that are refused are gone, and only pending ones are', async () => {
    const { id, fingerprint } = await register('anna');
    await sample.call('devices.refuse', { id });
    expect(await statusOf(id)).toBeUndefined();
    await expect(sample.call('devices.refuse', { id })).rejects.toMatchObject({ code: 'device_unknown' });
    const second = await register('bert');
    await sample.call('devices.confirm', { id: second.id, fingerprint: second.fingerprint });
    await expect(sample.call('devices.refuse', { id: second.id })).rejects.toMatchObject({
      code: 'device_exists',
    });
    expect(await statusOf(second.id)).toBe('confirmed');
    expect(await told(`subject:${fingerprint} action:device.refused`)).toHaveLength(1);
  });

  it('changed by the command line are on record once, and those changed here not twice', async () => {
    const [first, second, third] = [await register('anna'), await register('bert'), await register('carl')];
    const files = new DeviceFiles(sample.folder);
    await files.confirm(first.id, first.fingerprint);
    await files.refuse(second.id);
    await sample.call('devices.confirm', { id: third.id, fingerprint: third.fingerprint });
    await vi.waitFor(async () => expect(await statusOf(first.id)).toBe('confirmed'), soon);
    await files.revoke(first.id);
    const rows = () => told('actor:"command line"');
    await vi.waitFor(async () => expect(await rows()).toHaveLength(3), soon);
    expect((await rows()).map((row) => (row as unknown[])[0]).sort()).toEqual([
      'device.confirmed',
      'device.refused',
      'device.revoked',
    ]);
    expect(await told(`subject:${third.fingerprint} action:device.confirmed`)).toHaveLength(1);
  });

  it('are left as they are where a change cannot be put on record', async () => {
    const { id, fingerprint } = await register('anna');
    const { audit } = await sample.installation.foundation();
    vi.spyOn(audit, 'append').mockRejectedValue(new GatehouseError('audit_unavailable', 'Full.'));
    const calls = [
      () => sample.call('devices.confirm', { id, fingerprint }),
      () => sample.call('devices.refuse', { id }),
      () => sample.call('devices.revoke', { id }),
      () => sample.call('devices.createCode', {}),
      () => sample.call('documents.publish', { name: 'plans', folder: shared, allowUpload: false }),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'audit_unavailable' });
    vi.restoreAllMocks();
    expect(await statusOf(id)).toBe('pending');
    expect((await sample.topic('devices')).codes).toEqual([]);
    expect((await sample.topic('documents')).collections).toEqual([]);
  });
});

describe('registration codes', () => {
  it('are told once, and never in a topic or on record', async () => {
    const { id, code, expiresAt } = await sample.call('devices.createCode', {});
    const view = await sample.topic('devices');
    expect(view.codes).toEqual([{ id, expiresAt }]);
    expect(expiresAt - Date.now()).toBeGreaterThan(9.9 * 60_000);
    expect(expiresAt - Date.now()).toBeLessThanOrEqual(10 * 60_000);
    const known = JSON.stringify([view, await sample.audit()]);
    for (const secret of [code, code.replaceAll('-', '')]) expect(known).not.toContain(secret);
    expect(await told(`subject:${id}`)).toEqual([['device.code_created', me, null, null, null]]);
  });

  it('are good no more once they are cancelled', async () => {
    const { id } = await sample.call('devices.createCode', {});
    await sample.call('devices.cancelCode', { id });
    expect((await sample.topic('devices')).codes).toEqual([]);
    await expect(sample.call('devices.cancelCode', { id })).rejects.toMatchObject({
      code: 'registration_code_invalid',
    });
  });

  it('of the command line are on record as its own', async () => {
    await sample.call('devices.createCode', {});
    const { id } = await new RegistrationCodes(sample.folder).create();
    await vi.waitFor(async () => {
      expect(await told(`subject:${id}`)).toEqual([
        ['device.code_created', 'command line', null, null, null],
      ]);
    }, soon);
    expect(await told('action:device.code_created')).toHaveLength(2);
  });
});

describe('device sessions', () => {
  it('that are gone are unknown', async () => {
    await expect(sample.call('devices.endSession', { id: 'x'.repeat(32) })).rejects.toMatchObject({
      code: 'session_unknown',
    });
  });
});

describe('document collections', () => {
  const publish = (name = 'plans', folder = shared) =>
    sample.call('documents.publish', { name, folder, allowUpload: true });

  it('are on record with the folder, when they are published and when they are removed', async () => {
    await publish();
    expect((await sample.topic('documents')).collections).toMatchObject([{ name: 'plans', problem: null }]);
    await sample.call('documents.remove', { name: 'plans' });
    expect((await sample.topic('documents')).collections).toEqual([]);
    expect((await told('subject:plans')).reverse()).toEqual([
      ['collection.published', me, null, `${shared} (takes uploads)`, null],
      ['collection.removed', me, shared, null, null],
    ]);
  });

  it('are not published from where secrets lie, nor twice; each try is on record', async () => {
    await expect(publish('data', sample.folder)).rejects.toMatchObject({ code: 'collection_folder_invalid' });
    await publish();
    await expect(publish()).rejects.toMatchObject({ code: 'collection_exists' });
    expect(await told('code:collection_folder_invalid action:collection.published')).toHaveLength(1);
    expect(await told('code:collection_exists action:collection.published')).toHaveLength(1);
  });

  it('list what is in them, and have no version before one was served', async () => {
    await publish();
    const args = { collection: 'plans', search: 'PLAN', cursor: null, limit: 10 };
    expect(await sample.call('documents.list', args)).toMatchObject({
      documents: [{ name: 'plan.txt', size: 4 }],
      next: null,
    });
    const wanted = { collection: 'plans', document: 'plan.txt' };
    expect(await sample.call('documents.versions', wanted)).toEqual({ versions: [] });
  });

  it('say who fetched which version, and how often', async () => {
    await publish();
    const { documents } = sample.installation.service.data;
    const recipient = { user: 'anna', via: 'tls', deviceId: null, deviceName: null } as const;
    const { version } = await documents.get({ collection: 'plans', name: 'plan.txt' }, recipient);
    await documents.get({ collection: 'plans', name: 'plan.txt' }, recipient);
    const wanted = { collection: 'plans', document: 'plan.txt' };
    expect(await sample.call('documents.versions', wanted)).toMatchObject({
      versions: [{ version, fetches: 2 }],
    });
    const all = { collection: null, document: null, cursor: null, limit: 1 };
    const { fetches, next } = await sample.call('documents.fetches', all);
    expect(fetches).toMatchObject([
      { kind: 'fetched', user: 'anna', via: 'tls', document: 'plan.txt', version },
    ]);
    expect((await sample.call('documents.fetches', { ...all, cursor: next })).fetches).toHaveLength(1);
  });

  it('of the command line are on record as its own, and those of here not twice', async () => {
    await publish();
    const collections = await Collections.open(sample.folder);
    await collections.add({ name: 'other', folder: join(shared, 'sub'), allowUpload: false });
    await collections.remove('plans');
    await vi.waitFor(async () => expect(await told('actor:"command line"')).toHaveLength(2), soon);
    expect(await told('action:collection.published subject:plans')).toHaveLength(1);
  });

  it('whose folder is gone say so', async () => {
    await publish();
    await rm(shared, { recursive: true });
    expect((await sample.topic('documents')).collections).toMatchObject([
      { name: 'plans', problem: { code: 'collection_folder_invalid' } },
    ]);
  });
});
