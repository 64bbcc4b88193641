// The devices page's state: what waits is compared before it is confirmed; devices are found and revoked, sessions ended,
// codes shown once.
import { beforeEach, describe, expect, it } from 'vitest';
import type { DeviceSessionView, DeviceView } from '../../shared/contracts/console/devices.ts';
import { CodeForm } from './devices-code.svelte.ts';
import { DevicesState } from './devices.svelte.ts';
import { ServiceDouble, refuse } from './service-double.ts';

const device = (id: string, facts: Partial<DeviceView> = {}): DeviceView => ({
  id,
  name: `phone ${id}`,
  status: 'confirmed',
  fingerprint: id.padEnd(64, '0'),
  issuer: 'https://id.example',
  subject: 'anna',
  registeredAt: 0,
  confirmedAt: 1,
  confirmedBy: 'administrator',
  revokedAt: null,
  lastSeenAt: null,
  liveSessions: 0,
  ...facts,
});
const deviceSession = (id: string, facts: Partial<DeviceSessionView> = {}): DeviceSessionView => ({
  id,
  deviceId: 'd1',
  deviceName: 'phone d1',
  subject: 'anna',
  startedAt: 0,
  endsAt: 900_000,
  requests: 1,
  maxRequests: 1000,
  replaysRefused: 0,
  ...facts,
});
const waits = { status: 'pending', confirmedAt: null, confirmedBy: null } as const;
const devices = [
  device('d1', { name: 'Phone', liveSessions: 2 }),
  device('d2', { name: 'Laptop', subject: 'bert' }),
  device('d3', { status: 'revoked', revokedAt: 5 }),
  device('a4', { ...waits, registeredAt: 9 }),
  device('a5', { ...waits, registeredAt: 4 }),
];
const oidc = { issuer: 'https://id.example', audience: 'gatehouse' };
const view = { agent: { name: 'g', fingerprint: 'f'.repeat(64) }, oidc, devices, total: 5, codes: [] };

let service: ServiceDouble;
let state: DevicesState;
beforeEach(() => {
  service = new ServiceDouble();
  service.topics = { devices: view, deviceSessions: { total: 0, sessions: [] } };
  state = new DevicesState(service);
});
const ids = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id);

describe('what waits', () => {
  it('comes first on the page, the one that has waited longest open', () => {
    expect([state.tab, ids(state.waiting), state.selectedId]).toEqual(['waiting', ['a5', 'a4'], 'a5']);
  });

  it('gives way to the devices where nothing waits, and takes the page over from nobody who reads them', () => {
    service.topics = { devices: { ...view, devices: devices.slice(0, 3) } };
    state = new DevicesState(service);
    state.settle();
    expect(state.tab).toBe('devices');
    service.topics = { devices: view };
    expect(state.tab).toBe('devices');
    service.topics = { devices: { ...view, devices: [] } };
    expect(new DevicesState(service).tab).toBe('waiting');
    service.topics = { devices: { ...view, devices: devices.slice(0, 3) } };
    state.settle('sessions');
    expect(state.tab).toBe('sessions');
    state.settle('nonsense');
    expect(state.tab).toBe('sessions');
  });

  it('is not confirmed before a person says that they have compared', async () => {
    expect(await state.confirm(devices[4]!)).toBe(false);
    expect(service.calls).toEqual([]);
  });

  it('is confirmed with the fingerprint that was shown', async () => {
    service.answers['devices.confirm'] = () => ({});
    state.setCompared(devices[4]!, true);
    expect(await state.confirm(devices[4]!)).toBe(true);
    const args = { id: 'a5', fingerprint: devices[4]!.fingerprint };
    expect(service.calls).toEqual([{ name: 'devices.confirm', args }]);
  });

  it('is not confirmed by a comparison of another one', async () => {
    state.setCompared(devices[3]!, true);
    expect(await state.confirm(devices[4]!)).toBe(false);
    state.setCompared(devices[4]!, true);
    state.move(1);
    expect(state.isCompared(devices[4]!)).toBe(false);
    expect(service.calls).toEqual([]);
  });

  it('is not confirmed by the comparison of a key that has been replaced meanwhile', async () => {
    state.setCompared(devices[4]!, true);
    expect(await state.confirm({ ...devices[4]!, fingerprint: 'e'.repeat(64) })).toBe(false);
    expect(service.calls).toEqual([]);
  });

  it('keeps what was compared where confirming failed, and says why', async () => {
    service.answers['devices.confirm'] = refuse('audit_unavailable');
    state.setCompared(devices[4]!, true);
    expect(await state.confirm(devices[4]!)).toBe(false);
    expect([state.isCompared(devices[4]!), state.confirming.problem?.code]).toEqual([
      true,
      'audit_unavailable',
    ]);
  });

  it('is refused once that was asked about', async () => {
    service.answers['devices.refuse'] = () => ({});
    state.ask({ kind: 'refuse', device: devices[3]! });
    expect(service.calls).toEqual([]);
    await state.answer();
    expect(service.calls).toEqual([{ name: 'devices.refuse', args: { id: 'a4' } }]);
    expect(state.question).toBeNull();
  });
});

describe('devices', () => {
  it.each([
    ['', 'all', ['d2', 'd1', 'd3']],
    ['', 'confirmed', ['d2', 'd1']],
    ['', 'revoked', ['d3']],
    ['BERT', 'all', ['d2']],
    ['d1000', 'all', ['d1']],
    ['id.example', 'revoked', ['d3']],
    ['nobody', 'all', []],
  ] as const)('found by %j among %s are %j; what waits is not among them', (text, status, found) => {
    Object.assign(state, { tab: 'devices', text, status });
    expect(ids(state.devices)).toEqual(found);
  });

  it('are chosen by key, from nothing to either end', () => {
    state.tab = 'devices';
    expect(state.selectedId).toBeNull();
    state.move(1);
    expect(state.selectedId).toBe('d2');
    state.move(9);
    expect(state.selectedDevice?.id).toBe('d3');
  });

  it('are revoked with their effect said first, as it is now', async () => {
    service.answers['devices.revoke'] = () => ({ sessionsEnded: 3 });
    state.ask({ kind: 'revoke', device: devices[0]! });
    expect(state.liveSessionsOf(devices[0]!)).toBe(2);
    service.topics = { devices: { ...view, devices: [device('d1', { liveSessions: 3 })] } };
    expect(state.liveSessionsOf(devices[0]!)).toBe(3);
    expect(await state.answer()).toBe(3);
    expect(service.calls).toEqual([{ name: 'devices.revoke', args: { id: 'd1' } }]);
  });

  it('keep the question open where revoking failed', async () => {
    service.answers['devices.revoke'] = refuse('storage_failed');
    state.ask({ kind: 'revoke', device: devices[0]! });
    await expect(state.answer()).rejects.toMatchObject({ code: 'storage_failed' });
    expect(state.question?.kind).toBe('revoke');
  });

  it.each([
    ['', 'gatehouse', false],
    ['https://id.example', '', false],
    ['https://id.example', 'gatehouse', true],
  ])('can sign in with issuer %j and audience %j: %s', (issuer, audience, configured) => {
    service.topics = { devices: { ...view, oidc: { issuer, audience } } };
    expect(state.configured).toBe(configured);
  });
});

describe('device sessions', () => {
  const end = (id: string) => state.ask({ kind: 'end', session: deviceSession(id) });
  beforeEach(() => {
    const sessions = [deviceSession('s1', { startedAt: 1 }), deviceSession('s2', { startedAt: 2 })];
    service.topics = { devices: view, deviceSessions: { total: 2, sessions } };
    state.tab = 'sessions';
  });

  it('are listed with the newest first and chosen for themselves', () => {
    state.move(1);
    expect([ids(state.sessions), state.selectedSession?.id]).toEqual([['s2', 's1'], 's2']);
    state.tab = 'devices';
    expect(state.selectedId).toBeNull();
  });

  it('are ended once that was asked about', async () => {
    service.answers['devices.endSession'] = () => ({});
    end('s1');
    expect(await state.answer()).toBe(1);
    expect(service.calls).toEqual([{ name: 'devices.endSession', args: { id: 's1' } }]);
  });

  it('that are gone already count as ended', async () => {
    service.answers['devices.endSession'] = refuse('session_unknown');
    end('s1');
    expect([await state.answer(), state.question]).toEqual([0, null]);
  });
});

describe('CodeForm', () => {
  const made = { id: 'c1', code: 'AAAA-BBBB', expiresAt: 600_000 };
  let form: CodeForm;
  const open = (...codes: string[]) => {
    const list = codes.map((id) => ({ id, expiresAt: 600_000 }));
    service.topics = { devices: { ...view, codes: list } };
    form.follow();
  };
  beforeEach(async () => {
    form = new CodeForm(service);
    service.answers['devices.createCode'] = () => made;
    await form.make();
  });

  it.each([
    [0, 600, 'good'],
    [599_001, 1, 'good'],
    [600_000, 0, 'too_old'],
    [700_000, 0, 'too_old'],
  ] as const)('at %d ms has %d s left and is %s', (now, left, fate) => {
    open('c1');
    expect([form.secondsLeft(now), form.fate(now)]).toEqual([left, fate]);
  });

  it('is used once it is among the open ones no more, and not before it has been', () => {
    open('c0');
    expect(form.fate(0)).toBe('good');
    open('c0', 'c1');
    expect(form.fate(0)).toBe('good');
    open('c0');
    expect(form.fate(0)).toBe('used');
  });

  it('is gone from memory when it is closed', () => {
    form.forget();
    expect([form.shown, form.fate(0)]).toEqual([null, null]);
  });

  it('says why no code was made', async () => {
    form.forget();
    service.answers['devices.createCode'] = refuse('not_signed_in');
    await form.make();
    expect([form.shown, form.task.problem?.code]).toEqual([null, 'not_signed_in']);
  });

  it('is made useless on request', async () => {
    service.answers['devices.cancelCode'] = () => ({});
    expect(await form.cancel()).toBe(true);
    expect(service.calls.at(-1)).toEqual({ name: 'devices.cancelCode', args: { id: 'c1' } });
  });
});
