// The connectivity page's state: reach as measured, layers as negotiated, fingerprints compared, relay changed.
import { beforeEach, describe, expect, it } from 'vitest';
import type { Connectivity } from '../../shared/contracts/console/models.ts';
import { ConnectivityState, RelayForm, reachOf, validityOf } from './connectivity.svelte.ts';
import { layersOf } from './connectivity-layers.ts';
import { ServiceDouble, refuse, session } from './service-double.ts';

const day = 24 * 60 * 60 * 1000;
const online: Connectivity = {
  serviceId: 'abcd-efgh-ijkl',
  relay: { kind: 'url', url: 'wss://relay.example' },
  link: { state: 'online', since: 1000 },
  domainName: 'example.org',
  measured: { at: 2000, latencyMs: 3 },
  recentMeasurements: [],
  history: [],
  startedAt: 0,
  requestLog: { available: true, problem: null },
  callLine: 'gatehouse call',
};

let service: ServiceDouble;
beforeEach(() => {
  service = new ServiceDouble();
});

describe('reach', () => {
  it.each([
    ['a fresh measurement', online, 3000, 'online'],
    ['a measurement a minute old', online, 2000 + 60_001, 'unmeasured'],
    ['none', { ...online, measured: null }, 3000, 'unmeasured'],
    [
      'one from before the link came up',
      { ...online, measured: { at: 999, latencyMs: 1 } },
      3000,
      'unmeasured',
    ],
    ['no link', { ...online, link: { state: 'connecting', attempt: 2 } }, 3000, 'connecting'],
    ['a stopped link', { ...online, link: { state: 'stopped' } }, 3000, 'stopped'],
  ] as const)('with %s is told apart', (_what, view, now, reach) => {
    expect(reachOf(view, now)).toBe(reach);
  });
});

describe('validity', () => {
  const certificate = { notBefore: 0, notAfter: 100 * day } as Parameters<typeof validityOf>[0];
  it.each([
    [-1, 'not_yet'],
    [69 * day, 'valid'],
    [70 * day, 'soon'],
    [100 * day - 1, 'soon'],
    [100 * day, 'expired'],
  ])('at %d ms is %s', (now, validity) => {
    expect(validityOf(certificate, now)).toBe(validity);
  });
});

describe('layers', () => {
  const plain = { e2eeUsed: false, sessionVerified: false, tlsVersion: null, cipher: null } as const;

  it('say nothing of encryption where there is no session', () => {
    const layers = layersOf(online, { total: 0, sessions: [] });
    expect([layers.e2ee.coverage, layers.verification.coverage]).toEqual(['idle', 'idle']);
  });

  it('are not "all" with one session without', () => {
    const sessions = [session('a'), session('b', { ...plain, verifiedBy: 'none' })];
    const { e2ee, verification } = layersOf(online, { total: 2, sessions });
    expect(e2ee).toMatchObject({ coverage: 'some', sessions: 1, without: 1 });
    expect(verification).toMatchObject({
      coverage: 'some',
      verified: 1,
      unverified: 1,
      fingerprintCompared: 1,
    });
  });

  it('do not take the word of a session that names no TLS version', () => {
    const { e2ee } = layersOf(online, { total: 1, sessions: [session('a', { tlsVersion: null })] });
    expect(e2ee.coverage).toBe('none');
  });

  it('count sessions by TLS version and cipher, the most used first', () => {
    const cipher = 'TLS_CHACHA20_POLY1305_SHA256';
    const sessions = [session('a', { cipher }), session('b'), session('c')];
    const { ciphers } = layersOf(online, { total: 3, sessions }).e2ee;
    expect(ciphers.map(({ sessions: count }) => count)).toEqual([2, 1]);
    expect(ciphers[1]).toMatchObject({ tlsVersion: 'TLSv1.3', cipher });
  });

  it.each([
    ['wss://relay.example', true],
    ['https://relay.example', true],
    ['ws://127.0.0.1:8080', false],
  ])('take the hop to %s as encrypted: %s', (url, encrypted) => {
    const layers = layersOf({ ...online, relay: { kind: 'url', url } }, { total: 0, sessions: [] });
    expect(layers.relayHop?.encrypted).toBe(encrypted);
  });

  it('know nothing of the hop to a relay that is not connected', () => {
    const offline = { ...online, link: { state: 'stopped' } } as const;
    expect(layersOf(offline, { total: 0, sessions: [] }).relayHop).toBeNull();
  });
});

describe('the layer of device sessions', () => {
  it.each([
    [undefined, null],
    [{ total: 0, sessions: [] }, { sessions: 0 }],
    [{ total: 700, sessions: [] }, { sessions: 700 }],
  ])('of %j is %j', (devices, layer) => {
    expect(layersOf(online, { total: 0, sessions: [] }, devices).devices).toEqual(layer);
  });
});

describe('ConnectivityState', () => {
  it('lists the sessions on an earlier certificate, and not those without one', () => {
    const older = session('old', { onCurrentCertificate: false });
    const plain = session('plain', { onCurrentCertificate: false, fingerprint: null });
    service.topics = { sessions: { total: 3, sessions: [session('new'), older, plain] } };
    expect(new ConnectivityState(service).sessionsOnOlder).toEqual([older]);
  });

  it('tells a round trip that got no answer from one that did', async () => {
    const state = new ConnectivityState(service);
    service.answers['connectivity.measure'] = () => ({ measured: null });
    expect(await state.measure()).toBe(false);
    service.answers['connectivity.measure'] = () => ({ measured: { at: 1, latencyMs: 2 } });
    expect(await state.measure()).toBe(true);
    service.answers['connectivity.measure'] = refuse('not_serving');
    expect(await state.measure()).toBeUndefined();
    expect(state.measuring.problem?.code).toBe('not_serving');
  });
});

describe('RelayForm', () => {
  it.each([
    ['', 'url'],
    ['relay.example', 'url_form'],
    ['ftp://relay.example', 'url_form'],
    ['wss://', 'url_form'],
    ['wss://relay.example', 'password'],
  ])('with the URL %j lacks %s', (url, gap) => {
    const form = new RelayForm(service, { kind: 'url', url: '' });
    form.url = url;
    expect(form.gap).toBe(gap);
  });

  it('sends only what was filled in, and forgets password and token', async () => {
    service.answers['connectivity.setRelay'] = () => ({});
    const form = new RelayForm(service, { kind: 'local', url: 'ws://127.0.0.1:1' });
    Object.assign(form, { kind: 'url', url: ' wss://r.example ', enrolmentToken: 'tok', password: 'pw' });
    expect(await form.submit()).toBe(true);
    const relay = { kind: 'url', url: 'wss://r.example', enrolmentToken: 'tok' };
    expect(service.calls).toEqual([{ name: 'connectivity.setRelay', args: { password: 'pw', relay } }]);
    expect([form.password, form.enrolmentToken]).toEqual(['', '']);
  });

  it('keeps the enrolment token after a refusal, and never the password', async () => {
    service.answers['connectivity.setRelay'] = refuse('relay_unreachable');
    const form = new RelayForm(service, { kind: 'url', url: 'wss://r.example' });
    Object.assign(form, { enrolmentToken: 'tok', password: 'pw' });
    expect(await form.submit()).toBe(false);
    expect([form.password, form.enrolmentToken, form.task.problem?.code]).toEqual([
      '',
      'tok',
      'relay_unreachable',
    ]);
  });
});
