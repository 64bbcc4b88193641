// A replacement of the pair, stopped after each of its steps and by kill -9: the old pair or the new one.
import type { KeyObject } from 'node:crypto';
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { newPasswordKeyParameters } from '../secrets/password-key.ts';
import { createSecrets, unlockSecrets } from '../secrets/secrets-file.ts';
import type { Secrets } from '../secrets/secrets-file.ts';
import { replacementSteps } from './certificate-files.ts';
import { loadOrCreate, renewCertificate } from './certificate-store.ts';
import { issueCertificate } from './issue.ts';
import type { ServiceCertificate } from './service-certificate.ts';

const password = 'pw';
let fresh = '';
let first: ServiceCertificate;
let folder = '';
let secrets: Secrets;

beforeAll(async () => {
  fresh = await mkdtemp(join(tmpdir(), 'gatehouse-certificate-'));
  const made = await createSecrets(join(fresh, 'secrets.json'), password, newPasswordKeyParameters(2 ** 14));
  first = (await loadOrCreate(fresh, made)).certificate;
});
afterAll(() => rm(fresh, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-certificate-'));
  await cp(fresh, folder, { recursive: true });
  secrets = await unlockSecrets(join(folder, 'secrets.json'), password);
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const at = (name: string) => join(folder, name);

describe('a replacement that is stopped', () => {
  it.each([0, 1, 2, 3, 4, 5, 6])('after %i of 6 steps leaves the old pair or the new one', async (count) => {
    const next = await issueCertificate('aaaa-aaaa-aaaa');
    const steps = replacementSteps(folder, secrets, next, encryptQuickly);
    expect(steps).toHaveLength(6);
    for (const step of steps.slice(0, count)) await step();
    const { certificate, created } = await loadOrCreate(folder, secrets);
    expect([certificate.sha256, created]).toEqual([count < 3 ? first.sha256 : next.sha256, false]);
    expect((await readdir(folder)).sort()).toEqual(['e2ee.key', 'e2ee.pem', 'secrets.json']);
    expect(Object.keys((await secrets.read()).keyPasswords)).toEqual([certificate.sha256]);
    const { oldFingerprint, newFingerprint } = await renewCertificate(folder, secrets);
    expect(oldFingerprint).toBe(certificate.sha256);
    expect((await loadOrCreate(folder, secrets)).certificate.sha256).toBe(newFingerprint);
  });

  it.each([0, 1, 2, 3, 4, 5, 6])(
    'at the very first start after %i of 6 steps is made good',
    async (count) => {
      await rm(at('e2ee.pem'));
      await rm(at('e2ee.key'));
      const next = await issueCertificate('aaaa-aaaa-aaaa');
      const steps = replacementSteps(folder, secrets, next, encryptQuickly);
      for (const step of steps.slice(0, count)) await step();
      const { certificate, created } = await loadOrCreate(folder, secrets);
      expect(created).toBe(count < 3);
      if (!created) expect(certificate.sha256).toBe(next.sha256);
    },
  );

  it.each([0, 1, 2, 3, 4, 5, 6])('of a certificate by itself after %i of 6 steps keeps it', async (count) => {
    const steps = replacementSteps(folder, secrets, first, encryptQuickly);
    for (const step of steps.slice(0, count)) await step();
    expect((await loadOrCreate(folder, secrets)).certificate.sha256).toBe(first.sha256);
  });

  it.each(['e2ee.next.pem', 'e2ee.next.key'])(
    'falls back to the old pair where %s is damaged',
    async (name) => {
      const next = await issueCertificate('aaaa-aaaa-aaaa');
      for (const step of replacementSteps(folder, secrets, next, encryptQuickly).slice(0, 3)) await step();
      await writeFile(at(name), 'noise');
      expect((await loadOrCreate(folder, secrets)).certificate.sha256).toBe(first.sha256);
      expect((await readdir(folder)).sort()).toEqual(['e2ee.key', 'e2ee.pem', 'secrets.json']);
    },
  );

  it('by kill -9 at any moment leaves a pair that loads, and fingerprints that were told stay true', async () => {
    const script = `
      import { unlockSecrets } from ${JSON.stringify(new URL('../secrets/secrets-file.ts', import.meta.url).href)};
      import { renewCertificate } from ${JSON.stringify(new URL('./certificate-store.ts', import.meta.url).href)};
      const folder = process.env.FOLDER;
      const secrets = await unlockSecrets(folder + '/secrets.json', 'pw');
      for (;;) console.log((await renewCertificate(folder, secrets)).newFingerprint);`;
    for (let round = 0; round < 4; round += 1) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, FOLDER: folder, NODE_OPTIONS: '' },
      });
      const told: string[] = [];
      child.stdout.on('data', (data: Buffer) => told.push(...data.toString().trim().split('\n')));
      await vi.waitFor(() => expect(told.length).toBeGreaterThan(0), { timeout: 10_000, interval: 5 });
      await delay(Math.random() * 700);
      child.kill('SIGKILL');
      await new Promise((resolve) => child.on('close', resolve));
      const { certificate, created } = await loadOrCreate(folder, secrets);
      expect(created).toBe(false);
      // The last one told, or the one under way when the process died.
      if (told.includes(certificate.sha256)) expect(certificate.sha256).toBe(told.at(-1));
    }
  }, 60_000);
});

/** In the same form with fewer iterations: what is tested is the order of the steps. */
function encryptQuickly(key: KeyObject, passphrase: string): string {
  return key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }).toString();
}
