// `gatehouse service device` as an administrator at a terminal and a script see it, on a data folder on which no service
// runs. That a running one follows is tested beside the registry.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { formatFingerprintColons } from '../../shared/contracts/fingerprint.ts';
import { newIdentity } from '../../shared/device/identity.ts';
import { writeAgentFingerprint } from '../core/devices/agent-fingerprint.ts';
import { deviceIdOf } from '../core/devices/device-file.ts';
import type { DeviceRecord } from '../core/devices/device-file.ts';
import { DeviceFiles } from '../core/devices/device-files.ts';
import { addServiceCommand } from './service-command.ts';

let data: string;

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'gatehouse-service-'));
});

afterEach(() => {
  process.exitCode = 0;
  vi.restoreAllMocks();
  rmSync(data, { recursive: true, force: true });
});

/** Runs `gatehouse service device …` in this process. */
async function device(...argv: string[]): Promise<{ exitCode: number; out: string; err: string }> {
  const texts = { out: '', err: '' };
  const write = (name: 'out' | 'err') => (text: unknown) => {
    texts[name] += String(text);
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(write('out')),
    vi.spyOn(process.stderr, 'write').mockImplementation(write('err')),
  ];
  const program = new Command('gatehouse').exitOverride();
  addServiceCommand(program);
  process.exitCode = 0;
  try {
    await program.parseAsync(['service', 'device', ...argv, '--data', data], { from: 'user' });
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return { exitCode: process.exitCode ?? 0, ...texts };
}

async function registered(
  subject = 'anna',
  identity?: Awaited<ReturnType<typeof newIdentity>>,
): Promise<DeviceRecord> {
  const { fingerprint, jwk } = identity ?? (await newIdentity());
  const owner = { issuer: 'https://id.example', subject, fingerprint };
  const times = { registeredAt: Date.now(), confirmedAt: null, confirmedBy: null, revokedAt: null };
  return new DeviceFiles(data).add({
    ...{ v: 1, id: deviceIdOf(owner), name: 'Phone', ...owner, publicKey: jwk, ...times, proofs: null },
  });
}

describe('service device', () => {
  it('lists devices with both fingerprints, in full', async () => {
    expect((await device('list')).out).toContain('No devices yet');
    const { id, fingerprint } = await registered();
    await writeAgentFingerprint(data, 'cd'.repeat(32));
    const { out } = await device('list');
    for (const each of [fingerprint, 'cd'.repeat(32)]) expect(out).toContain(formatFingerprintColons(each));
    expect(out).toMatch(new RegExp(`${id}  pending +Phone  of anna at https://id.example`));
    expect(JSON.parse((await device('list', '--json')).out)).toMatchObject({
      agentFingerprint: 'cd'.repeat(32),
      devices: [{ id, status: 'pending', fingerprint, subject: 'anna', lastSeenAt: null }],
      codes: [],
    });
  });

  it('confirms by the whole fingerprint and nothing less', async () => {
    const { id, fingerprint } = await registered();
    expect(await device('confirm', fingerprint.slice(0, 16))).toMatchObject({ exitCode: 2 });
    expect(await device('confirm', '0'.repeat(64))).toMatchObject({ exitCode: 4 });
    expect(await device('confirm', '0'.repeat(64), '--id', id)).toMatchObject({ exitCode: 3 });
    const confirmed = await device('confirm', formatFingerprintColons(fingerprint), '--json');
    expect(JSON.parse(confirmed.out)).toMatchObject({
      id,
      status: 'confirmed',
      confirmedBy: 'administrator',
    });
  });

  it('asks which device is meant where two users registered the same key', async () => {
    const identity = await newIdentity();
    const [anna, mallory] = [await registered('anna', identity), await registered('mallory', identity)];
    const { exitCode, err } = await device('confirm', identity.fingerprint);
    expect([exitCode, err.includes(anna.id), err.includes(mallory.id)]).toEqual([2, true, true]);
    await device('confirm', identity.fingerprint, '--id', anna.id);
    const { devices } = await new DeviceFiles(data).list();
    expect(devices.filter(({ confirmedAt }) => confirmedAt !== null).map(({ subject }) => subject)).toEqual([
      'anna',
    ]);
  });

  it('revokes', async () => {
    const { id } = await registered();
    expect(JSON.parse((await device('revoke', id, '--json')).out)).toMatchObject({ id, status: 'revoked' });
    expect(await device('revoke', 'nobody')).toMatchObject({ exitCode: 4 });
  });

  it('makes a code, shown once', async () => {
    const { out, err } = await device('code');
    expect(out.trim()).toMatch(/^([0-9a-f]{4}-){7}[0-9a-f]{4}$/);
    expect(err).toContain('once');
    const { code, expiresAt } = JSON.parse((await device('code', '--json')).out) as Record<string, string>;
    expect(Date.parse(expiresAt!) - Date.now()).toBeGreaterThan(9 * 60_000);
    const listed = (await device('list', '--json')).out;
    expect((JSON.parse(listed) as { codes: unknown[] }).codes).toHaveLength(2);
    expect(listed).not.toContain(code!.slice(0, 9));
  });
});
