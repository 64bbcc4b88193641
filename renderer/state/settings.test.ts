// The settings page's state: switches that ask before they open, numbers that others may change, capture, passwords.
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { SettingChange } from '../../shared/contracts/console/models.ts';
import { defaultSettings } from '../../shared/contracts/settings.ts';
import { CaptureForm } from './settings-capture.svelte.ts';
import { PasswordForm } from './settings-password.svelte.ts';
import { SettingsState, e2ee, verification } from './settings.svelte.ts';
import { maxRequests, maxSizeMb, oidcAudience, oidcIssuer, retentionDays } from './settings-typed.svelte.ts';
import { ServiceDouble, refuse } from './service-double.ts';

let service: ServiceDouble;
const onChanged = vi.fn<(changes: readonly SettingChange[]) => void>();
beforeEach(() => {
  service = new ServiceDouble();
  service.topics = { settings: defaultSettings };
  onChanged.mockReset();
});

describe('switches', () => {
  it('go on at once, and what that implied is told', async () => {
    const changes = [
      { name: verification, old: false, value: true },
      { name: e2ee, old: false, value: true },
    ] as const;
    service.answers['settings.set'] = () => ({ changes });
    await new SettingsState(service, onChanged).toggle(verification);
    expect(service.calls).toEqual([{ name: 'settings.set', args: { name: verification, value: true } }]);
    expect(onChanged).toHaveBeenCalledWith(changes);
  });

  it('never go off without being asked about', async () => {
    const state = new SettingsState(service, onChanged);
    await state.toggle(e2ee);
    expect([state.confirming, service.calls]).toEqual([e2ee, []]);
  });

  it('go off with the password', async () => {
    service.answers['settings.set'] = () => ({ changes: [] });
    const state = new SettingsState(service, onChanged);
    await state.toggle(e2ee);
    await state.confirm('pw');
    expect(service.calls[0]?.args).toEqual({ name: e2ee, value: false, password: 'pw' });
    expect([state.confirming, onChanged.mock.calls.length]).toEqual([null, 1]);
  });

  it('keep the question open where the password was wrong', async () => {
    service.answers['settings.set'] = refuse('superadmin_password_wrong');
    const state = new SettingsState(service, onChanged);
    await state.toggle(e2ee);
    await expect(state.confirm('pw')).rejects.toMatchObject({ code: 'superadmin_password_wrong' });
    expect([state.confirming, onChanged.mock.calls.length]).toEqual([e2ee, 0]);
  });

  it.each([
    [e2ee, true, false, 'plain_calls'],
    [e2ee, true, true, 'nothing_yet'],
    [verification, true, true, 'unverified_sessions'],
    [verification, false, true, 'unverified_plain_calls'],
  ] as const)(
    'say what turning %s off opens (E2EE %s, verification %s): %s',
    (name, first, second, opens) => {
      service.topics = { settings: { ...defaultSettings, [e2ee]: first, [verification]: second } };
      expect(new SettingsState(service, onChanged).opening(name)).toBe(opens);
    },
  );
});

describe('numbers', () => {
  it('show a change from elsewhere at once while nobody types', () => {
    const { days } = new SettingsState(service, onChanged);
    service.topics = { settings: { ...defaultSettings, [retentionDays]: 7 } };
    expect([days.text, days.edited, days.changedElsewhere]).toEqual(['7', false, null]);
  });

  it('keep what is being typed and tell of the change', () => {
    const { days } = new SettingsState(service, onChanged);
    days.text = '20';
    service.topics = { settings: { ...defaultSettings, [retentionDays]: 7 } };
    expect([days.text, days.changedElsewhere]).toEqual(['20', 7]);
    days.discard();
    expect([days.text, days.changedElsewhere]).toEqual(['7', null]);
  });

  it.each(['0', '-1', '3651', '1.5', 'ten', '', 'true'])('do not take %j', async (text) => {
    const { days } = new SettingsState(service, onChanged);
    days.text = text;
    await days.save();
    expect([days.typed, service.calls]).toEqual([null, []]);
  });

  it('say that a smaller value drops requests, and save it', async () => {
    service.answers['settings.set'] = () => ({ changes: [] });
    const { size } = new SettingsState(service, onChanged);
    size.text = '512';
    expect(size.lowers).toBe(true);
    await size.save();
    expect(service.calls[0]?.args).toEqual({ name: maxSizeMb, value: 512 });
    expect(size.edited).toBe(false);
  });
});

describe('limits of device sessions', () => {
  it.each([
    ['1', 1],
    ['1000', 1000],
    ['1001', null],
    ['0', null],
  ])('of requests, typed as %j, are %j: lowered, never raised', (text, typed) => {
    service.topics = { settings: { ...defaultSettings, [maxRequests]: 500 } };
    const { deviceRequests } = new SettingsState(service, onChanged);
    deviceRequests.text = text;
    expect(deviceRequests.typed).toBe(typed);
  });

  it.each(['16', '0', '15.5'])('in minutes do not take %j', (text) => {
    const { deviceMinutes } = new SettingsState(service, onChanged);
    deviceMinutes.text = text;
    expect(deviceMinutes.typed).toBeNull();
  });
});

describe('texts', () => {
  it.each([
    ['https://id.example/realms/a', 'https://id.example/realms/a'],
    [' https://id.example ', 'https://id.example'],
    ['http://127.0.0.1:9000', 'http://127.0.0.1:9000'],
    ['', ''],
    ['http://id.example', null],
    ['id.example', null],
    ['https://', null],
  ])('of the issuer, typed as %j, are %j', (text, typed) => {
    service.topics = { settings: { ...defaultSettings, [oidcIssuer]: 'https://old.example' } };
    const { issuer } = new SettingsState(service, onChanged);
    issuer.text = text;
    expect(issuer.typed).toBe(typed);
  });

  it.each(['true', '12345', 'api://gatehouse'])('of the audience stay texts: %j', async (text) => {
    service.answers['settings.set'] = () => ({ changes: [] });
    const { audience } = new SettingsState(service, onChanged);
    audience.text = text;
    await audience.save();
    expect(service.calls[0]?.args).toEqual({ name: oidcAudience, value: text });
  });

  it('tell when they replace one that is in use', () => {
    const { issuer } = new SettingsState(service, onChanged);
    issuer.text = 'https://first.example';
    expect(issuer.replaces).toBe(false);
    issuer.discard();
    service.topics = { settings: { ...defaultSettings, [oidcIssuer]: 'https://first.example' } };
    issuer.text = 'https://second.example';
    expect(issuer.replaces).toBe(true);
  });
});

describe('payload capture', () => {
  const off = { until: null, rpcNames: [], maxBytes: 65_536, redact: [] };
  beforeEach(() => {
    service.topics = { capture: off };
    service.answers['capture.set'] = () => off;
  });

  it('does not go on for RPCs that nobody named, nor without an end', async () => {
    const form = new CaptureForm(service);
    await form.start();
    form.toggleRpc('ping');
    form.minutes = '0';
    await form.start();
    form.minutes = '241';
    await form.start();
    expect(service.calls).toEqual([]);
  });

  it('sends RPCs, size in bytes and rules', async () => {
    const form = new CaptureForm(service);
    form.toggleRpc('ping');
    form.rpc = ' echo ';
    form.addRpc();
    form.rule = 'iban';
    form.addRule();
    Object.assign(form, { ruleKind: 'pattern', rule: '[0-9]{16}' });
    form.addRule();
    form.kib = '8';
    await form.start();
    expect(service.calls[0]?.args).toEqual({
      minutes: 15,
      rpcNames: ['ping', 'echo'],
      maxBytes: 8192,
      redact: [
        { kind: 'member', name: 'iban' },
        { kind: 'pattern', pattern: '[0-9]{16}' },
      ],
    });
  });

  it('goes off with what was on, whatever has been typed since', async () => {
    service.topics = { capture: { ...off, until: 5000, rpcNames: ['ping'] } };
    const form = new CaptureForm(service);
    form.toggleRpc('echo');
    await form.stop();
    expect(service.calls[0]?.args).toMatchObject({ minutes: 0, rpcNames: ['ping'] });
  });

  it.each([
    [4001, 1],
    [3000, 2],
    [5000, null],
  ])('at %d has %s seconds left', (now, left) => {
    service.topics = { capture: { ...off, until: 5000 } };
    expect(new CaptureForm(service).secondsLeft(now)).toBe(left);
  });
});

describe('PasswordForm', () => {
  it.each([
    ['', '', '', 'present'],
    ['old password', 'short', 'short', 'short'],
    ['old password', 'old password', 'old password', 'same'],
    ['old password', 'new password', 'new passwort', 'differs'],
    ['old password', 'new password', 'new password', null],
  ])('of %j, %j, %j lacks %s', (present, next, again, gap) => {
    const form = new PasswordForm(service);
    Object.assign(form, { present, next, again });
    expect(form.gap).toBe(gap);
  });

  it('forgets all three once it is done, and the present one in any case', async () => {
    const form = new PasswordForm(service);
    Object.assign(form, { present: 'old password', next: 'new password', again: 'new password' });
    service.answers['console.changePassword'] = refuse('superadmin_password_wrong');
    expect(await form.submit()).toBe(false);
    expect([form.present, form.next]).toEqual(['', 'new password']);
    form.present = 'old password';
    service.answers['console.changePassword'] = () => ({});
    expect(await form.submit()).toBe(true);
    expect([form.present, form.next, form.again]).toEqual(['', '', '']);
  });
});
