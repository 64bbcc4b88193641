// Devices and registration codes on disk: what is damaged, copied or from the future lets nobody in, and what many
// processes do at once leaves one truth.
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseRegistrationCode } from '../../../shared/device/agent.ts';
import { newIdentity } from '../../../shared/device/identity.ts';
import { deviceIdOf } from './device-file.ts';
import type { DeviceRecord } from './device-file.ts';
import { DeviceFiles } from './device-files.ts';
import { DeviceRegistry } from './device-registry.ts';
import { RegistrationCodes } from './registration-codes.ts';

let dataFolder: string;
const opened: DeviceRegistry[] = [];

beforeEach(() => {
  dataFolder = mkdtempSync(join(tmpdir(), 'gatehouse-devices-'));
});

afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
  rmSync(dataFolder, { recursive: true, force: true });
});

async function sampleDevice(more: Partial<DeviceRecord> = {}): Promise<DeviceRecord> {
  const { jwk, fingerprint } = await newIdentity();
  const owner = { issuer: 'https://id.example', subject: 'anna', fingerprint };
  const times = { registeredAt: 1_000, confirmedAt: null, confirmedBy: null, revokedAt: null };
  const device = { v: 1, name: 'Phone', ...owner, publicKey: jwk, ...times, proofs: null, ...more } as const;
  return { ...device, id: deviceIdOf({ ...owner, ...more }) };
}

describe('a device’s file', () => {
  it('is private, and damaged or copied is no device', async () => {
    const files = new DeviceFiles(dataFolder);
    const [device, other] = [await files.add(await sampleDevice()), await files.add(await sampleDevice())];
    const path = (id: string): string => join(files.folder, `${id}.json`);
    expect(statSync(path(device.id)).mode & 0o077).toBe(0);
    expect(await files.read(device.id)).toEqual(device);
    copyFileSync(path(other.id), path(device.id));
    await expect(files.read(device.id)).rejects.toMatchObject({ code: 'device_corrupt' });
    const stolen = readFileSync(path(other.id), 'utf8').replace('"anna"', '"mallory"');
    writeFileSync(path(other.id), stolen);
    await expect(files.read(other.id)).rejects.toMatchObject({ code: 'device_corrupt' });
    writeFileSync(path(other.id), '{');
    expect((await files.list()).problems).toHaveLength(2);
    await expect(files.revoke('../../x')).rejects.toMatchObject({ code: 'device_unknown' });
  });

  it('is of one user at one issuer, and confirmed with every digit of its fingerprint', async () => {
    const files = new DeviceFiles(dataFolder);
    const { id, fingerprint, issuer, subject } = await files.add(await sampleDevice());
    const others = [
      { issuer: 'https://other.example', subject, fingerprint },
      { issuer, subject: 'bert', fingerprint },
    ];
    for (const other of others) expect(deviceIdOf(other)).not.toBe(id);
    const near = `${fingerprint.slice(0, -1)}${fingerprint.endsWith('0') ? '1' : '0'}`;
    for (const wrong of [near, fingerprint.slice(0, -1), fingerprint.slice(0, 8)]) {
      await expect(files.confirm(id, wrong)).rejects.toMatchObject({ code: 'fingerprint_mismatch' });
    }
    expect((await files.read(id))?.confirmedAt).toBeNull();
    expect((await files.confirm(id, fingerprint)).confirmedAt).not.toBeNull();
  });

  it('is revoked for good, whoever confirms at the same time', async () => {
    const files = new DeviceFiles(dataFolder);
    const { id, fingerprint } = await files.add(await sampleDevice());
    const both = [files.revoke(id), files.confirm(id, fingerprint), files.confirm(id, fingerprint)];
    await Promise.allSettled(both);
    await expect(files.confirm(id, fingerprint)).rejects.toMatchObject({ code: 'device_revoked' });
    const { revokedAt } = (await files.read(id))!;
    expect((await files.revoke(id)).revokedAt).toBe(revokedAt);
    await expect(files.refuse(id)).rejects.toMatchObject({ code: 'device_exists' });
  });
});

describe('the registry', () => {
  it('takes a device that was damaged or removed for none, and tells of it once', async () => {
    const problems: string[] = [];
    const registry = await DeviceRegistry.open({ dataFolder, onProblem: ({ code }) => problems.push(code) });
    opened.push(registry);
    const device = await registry.add(await sampleDevice());
    const removed = await registry.add(await sampleDevice());
    expect(registry.find(device)).toEqual(device);
    writeFileSync(join(registry.files.folder, `${device.id}.json`), '{"v":1}');
    rmSync(join(registry.files.folder, `${removed.id}.json`));
    const told: (readonly string[])[] = [];
    registry.onChange((ids) => told.push(ids));
    await registry.refresh();
    await registry.refresh();
    expect([registry.get(device.id), registry.get(removed.id)]).toEqual([null, null]);
    expect(problems).toEqual(['device_corrupt']);
    expect(told[0]?.length).toBe(2);
  });

  it('remembers when a device was last seen, across restarts', async () => {
    const open = async (): Promise<DeviceRegistry> => {
      const registry = await DeviceRegistry.open({ dataFolder, onProblem: () => undefined });
      opened.push(registry);
      return registry;
    };
    const registry = await open();
    const { id } = await registry.add(await sampleDevice());
    expect(registry.lastSeenAt(id)).toBeNull();
    registry.seen(id);
    const at = registry.lastSeenAt(id);
    await opened.pop()?.close();
    expect((await open()).lastSeenAt(id)).toBe(at);
    writeFileSync(join(registry.files.folder, '.last-seen.json'), 'damaged');
    expect((await open()).lastSeenAt(id)).toBeNull();
  });
});

describe('a registration code', () => {
  const minutes = 60_000;
  const always = (): Promise<boolean> => Promise.resolve(true);

  it('is good for ten minutes by a clock that may jump, and never again', async () => {
    let now = 1_000_000_000;
    const codes = new RegistrationCodes(dataFolder, () => now);
    await codes.create();
    now += 10 * minutes - 1;
    expect(await codes.list()).toHaveLength(1);
    now += 1;
    await expect(codes.spend(always)).rejects.toMatchObject({ code: 'registration_code_invalid' });
    now -= 5 * minutes;
    await expect(codes.spend(always)).rejects.toMatchObject({ code: 'registration_code_invalid' });
    await codes.create();
    now -= 60 * minutes;
    await expect(codes.spend(always)).rejects.toMatchObject({ code: 'registration_code_invalid' });
    expect(readdirSync(codes.folder).filter((name) => name.endsWith('.json'))).toEqual([]);
  });

  it('is gone from the disk when it is spent, and private until then', async () => {
    const codes = new RegistrationCodes(dataFolder);
    const { id, code } = await codes.create();
    expect(statSync(join(codes.folder, `${id}.json`)).mode & 0o077).toBe(0);
    const seen: string[] = [];
    await codes.spend((each) => {
      seen.push(Buffer.from(each).toString('hex'));
      return always();
    });
    expect(seen).toEqual([Buffer.from(parseRegistrationCode(code)).toString('hex')]);
    expect(readdirSync(codes.folder).filter((name) => name.endsWith('.json'))).toEqual([]);
  });

  it('is one of so many at most', async () => {
    const codes = new RegistrationCodes(dataFolder);
    for (let at = 0; at < 32; at += 1) await codes.create();
    await expect(codes.create()).rejects.toMatchObject({ code: 'limit_exceeded' });
  });
});
