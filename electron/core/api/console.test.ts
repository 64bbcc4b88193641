// The console on a real data folder: what its calls change, what is on record of that, and what is not changed where
// it cannot be put on record.
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { callNames, calls } from '../../../shared/contracts/console/calls.ts';
import type { CallName } from '../../../shared/contracts/console/calls.ts';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { renewCertificate } from '../certificates/certificate-store.ts';
import { AccessTokens } from '../secrets/access-tokens.ts';
import { SettingsStore } from '../settings/settings-store.ts';
import { SampleConsole, samplePassword as password } from './console-samples.ts';
import { SetupKey } from './setup-key.ts';

const e2ee = 'service.e2ee.require_e2ee';
const verification = 'service.e2ee.require_e2ee_session_verification';
const soon = { timeout: 5_000, interval: 20 };

/** The least cost that a secrets.json may have: what a password costs is tested in secrets-file.test.ts. */
vi.mock(import('../secrets/password-key.ts'), async (original) => {
  const own = await original();
  return { ...own, newPasswordKeyParameters: () => own.newPasswordKeyParameters(2 ** 14) };
});

let sample: SampleConsole;
afterEach(() => sample.close());

describe('a first run', () => {
  it('makes nothing where the set-up key is wrong, and everything where it is right', async () => {
    const { key, text } = SetupKey.make();
    sample = await SampleConsole.open(false, key);
    const args = { password, relay: { kind: 'local' } } as const;
    for (const setupKey of [undefined, 'wrong']) {
      await expect(sample.call('console.setup', { ...args, setupKey })).rejects.toMatchObject({
        code: 'setup_key_invalid',
      });
    }
    expect(await readdir(sample.folder)).not.toContain('secrets.json');
    expect(sample.installation.state.phase).toBe('first_run');
    await sample.call('console.setup', { ...args, setupKey: text });
    expect(() => key.check(text)).toThrow(expect.objectContaining({ code: 'setup_key_invalid' }));
    expect(sample.session.signedIn).toBe(true);
    expect((await stat(join(sample.folder, 'relay.json'))).mode & 0o777).toBe(0o600);
    expect(await sample.audit('action:console.setup')).toHaveLength(1);
    await vi.waitFor(async () => expect(await sample.audit('code:setup_key_invalid')).toHaveLength(2), soon);
  });

  it.each(['http://', 'ws://relay.example', 'wss://user:secret@relay.example', ''])(
    'refuses the relay %j and stays a first run',
    async (url) => {
      sample = await SampleConsole.open(false);
      const made = sample.call('console.setup', { password, relay: { kind: 'url', url } });
      await expect(made).rejects.toMatchObject({ code: url === '' ? 'console_call_malformed' : 'usage' });
      expect(sample.installation.state.phase).toBe('first_run');
      expect(await readdir(sample.folder)).not.toContain('relay.json');
    },
  );
});

describe('a console that serves', () => {
  beforeEach(async () => {
    sample = await SampleConsole.open(true);
  });

  it('puts every change on record with who, old and new', async () => {
    await sample.call('settings.set', { name: verification, value: true });
    await sample.call('settings.set', { name: verification, value: false, password });
    const { id } = await sample.call('tokens.create', { user: 'anna', expiresAt: null });
    await sample.call('tokens.revoke', { id });
    const { oldFingerprint, newFingerprint } = await sample.call('certificate.renew', { password });
    await sample.call('connectivity.setRelay', { password, relay: { kind: 'url', url: 'ws://127.0.0.1:2' } });
    await sample.call('capture.set', { minutes: 1, rpcNames: ['ping'], maxBytes: 10, redact: [] });
    await sample.call('settings.appearance', { name: 'theme', old: 'system', value: 'dark' });
    await sample.call('console.changePassword', { password, next: 'another password' });
    const rows = await sample.audit('actor:"administrator (desktop)"');
    expect(rows.map(({ action, subject, old, value }) => [action, subject, old, value]).reverse()).toEqual([
      ['console.setup', 'service', null, 'local'],
      ['settings.changed', verification, 'false', 'true'],
      ['settings.changed', verification, 'true', 'false'],
      ['token.created', id, null, 'anna'],
      ['token.revoked', id, 'anna', null],
      ['certificate.renewed', newFingerprint, oldFingerprint, newFingerprint],
      ['relay.changed', 'relay', 'local', 'ws://127.0.0.1:2'],
      ['capture.changed', 'payload capture', 'off', '1 min: ping'],
      ['settings.changed', 'console.theme', 'system', 'dark'],
      ['console.password_changed', 'superadmin password', null, null],
    ]);
    const all = JSON.stringify(await sample.audit());
    for (const secret of [password, 'another password']) expect(all).not.toContain(secret);
  });

  it('puts what comes through the command line on record once, and nothing of its own twice', async () => {
    await sample.call('settings.set', { name: 'service.inspector.retention_days', value: 7 });
    const own = await sample.call('tokens.create', { user: 'anna', expiresAt: null });
    await (await SettingsStore.open(sample.folder)).set(e2ee, false);
    const tokens = new AccessTokens(sample.folder);
    const { id } = await tokens.create('bob');
    await vi.waitFor(async () => expect(await sample.audit(`subject:${id}`)).toHaveLength(1), soon);
    await tokens.revoke(id);
    await tokens.revoke(own.id);
    await renewCertificate(sample.folder, await sample.installation.openSecrets(password));
    await vi.waitFor(
      async () => expect(await sample.audit('action:certificate.renewed')).toHaveLength(1),
      soon,
    );
    await vi.waitFor(async () => expect(await sample.audit('action:token.revoked')).toHaveLength(2), soon);
    const rows = await sample.audit('actor:"command line"');
    expect(rows.map(({ action, subject }) => `${action} ${subject}`).sort()).toEqual(
      [
        `certificate.renewed ${sample.installation.service.fingerprint}`,
        `settings.changed ${e2ee}`,
        `token.created ${id}`,
        `token.revoked ${id}`,
        `token.revoked ${own.id}`,
      ].sort(),
    );
    expect(await sample.audit('action:settings.changed')).toHaveLength(2);
    expect(await sample.audit('action:token.created')).toHaveLength(2);
  });

  it('turns E2EE on with verification, and takes a password for what opens something', async () => {
    const off = { name: e2ee, value: false } as const;
    await expect(sample.call('settings.set', off)).rejects.toMatchObject({ code: 'password_needed' });
    await expect(sample.call('settings.set', { ...off, password: 'wrong' })).rejects.toMatchObject({
      code: 'superadmin_password_wrong',
    });
    expect((await sample.topic('settings'))[e2ee]).toBe(true);
    await sample.call('settings.set', { ...off, password });
    const { changes } = await sample.call('settings.set', { name: verification, value: true });
    expect(changes).toEqual([
      { name: e2ee, old: false, value: true },
      { name: verification, old: false, value: true },
    ]);
    expect(await sample.topic('settings')).toMatchObject({ [e2ee]: true, [verification]: true });
  });

  const changing: readonly [name: string, run: () => Promise<unknown>][] = [
    ['a setting', () => sample.call('settings.set', { name: verification, value: true })],
    ['a new token', () => sample.call('tokens.create', { user: 'anna', expiresAt: null })],
    ['a new certificate', () => sample.call('certificate.renew', { password })],
    [
      'another relay',
      () => sample.call('connectivity.setRelay', { password, relay: { kind: 'url', url: 'wss://a.b' } }),
    ],
    [
      'capture',
      () => sample.call('capture.set', { minutes: 1, rpcNames: ['ping'], maxBytes: 1, redact: [] }),
    ],
    ['another password', () => sample.call('console.changePassword', { password, next: 'another password' })],
  ];
  it.each(changing)('does not make %s where it cannot be put on record', async (_name, run) => {
    const state = async (): Promise<string> => {
      const files = await Promise.all(
        ['settings.json', 'secrets.json', 'relay.json', 'e2ee.pem', 'capture.json'].map((name) =>
          readFile(join(sample.folder, name), 'utf8').catch(() => 'none'),
        ),
      );
      return JSON.stringify([files, await new AccessTokens(sample.folder).ids()]);
    };
    const before = await state();
    const { audit } = await sample.installation.foundation();
    vi.spyOn(audit, 'append').mockRejectedValue(new GatehouseError('audit_unavailable', 'Full.'));
    await expect(run()).rejects.toMatchObject({ code: 'audit_unavailable' });
    expect(await state()).toBe(before);
    vi.restoreAllMocks();
    await run();
    expect(await state()).not.toBe(before);
  });

  it('puts on record that the request log could not be written and can be again, once there is room for it', async () => {
    const { log } = sample.installation.service.data;
    const { audit } = await sample.installation.foundation();
    const problem = new GatehouseError('log_unavailable', 'Another program holds it.');
    vi.spyOn(log, 'available', 'get').mockReturnValue(false);
    vi.spyOn(log, 'problem', 'get').mockReturnValue(problem);
    const append = vi.spyOn(audit, 'append').mockRejectedValue(problem);
    await vi.waitFor(() => expect(append.mock.calls.length).toBeGreaterThan(1), soon);
    expect(await sample.audit('subject:"request log"')).toEqual([]);
    vi.restoreAllMocks();
    await vi.waitFor(async () => expect(await sample.audit('subject:"request log"')).toHaveLength(2), soon);
    expect(await sample.audit('subject:"request log"')).toMatchObject([
      { action: 'log.available', actor: 'service', code: null },
      { action: 'log.unavailable', actor: 'service', code: 'log_unavailable', message: problem.message },
    ]);
  });

  it('forgets a remembered password when it is changed', async () => {
    await sample.call('console.unlock', { password, remember: true });
    expect(sample.host.remembered).toBe(password);
    expect((await sample.topic('console')).remember.remembered).toBe(true);
    await sample.call('console.changePassword', { password, next: 'another password' });
    expect(sample.host.remembered).toBeNull();
    const stranger = sample.console.openSession({ source: 'b', place: 'elsewhere' });
    await sample.host.keyVault.remember(password);
    expect((await sample.topic('console', stranger)).remember.remembered).toBe(false);
    expect(sample.session.signedIn).toBe(false);
  });

  it('takes nothing from somebody who has not signed in but set-up and sign-in', async () => {
    const stranger = sample.console.openSession({ source: 'b', place: 'browser b' });
    const open = callNames.filter((name: CallName) => calls[name].access === 'anyone');
    expect(open).toEqual(['console.setup', 'console.unlock']);
    const signal = new AbortController().signal;
    for (const name of callNames.filter((each) => !open.includes(each))) {
      const answer = await sample.console.call(name, {}, { session: stranger, signal });
      expect(answer).toMatchObject({ error: { code: 'not_signed_in' } });
    }
    await vi.waitFor(async () => {
      expect(await sample.audit('actor:"browser b"')).toHaveLength(callNames.length - open.length);
    }, soon);
  });

  it('records a flood of refusals no further than its quota', async () => {
    const stranger = sample.console.openSession({ source: 'b', place: 'browser b' });
    const context = { session: stranger, signal: new AbortController().signal };
    for (let each = 0; each < 1_000; each += 1) await sample.console.call('nothing.there', {}, context);
    const { audit } = await sample.installation.foundation();
    await vi.waitFor(async () => {
      const { rows } = await audit.page({ filter: 'actor:"browser b"', cursor: null, limit: 500 });
      expect(rows).toHaveLength(60);
    }, soon);
  });

  it('starts with the settings that the command line has made while it was locked', async () => {
    await sample.reopen();
    expect(sample.installation.state.phase).toBe('locked');
    await (await SettingsStore.open(sample.folder)).set(verification, true);
    const seen: boolean[] = [];
    sample.installation.listen({
      onPhase: ({ phase }) => {
        if (phase === 'serving') seen.push(sample.installation.service.data.settings.get(verification));
      },
    });
    await sample.call('console.unlock', { password });
    expect(seen).toEqual([true]);
  });

  it('stops all that it started', async () => {
    expect(sample.host.relays).toBe(1);
    await sample.installation.stop();
    expect(sample.host.relays).toBe(0);
    await expect(sample.call('connectivity.measure', {})).resolves.toEqual({ measured: null });
  });
});
