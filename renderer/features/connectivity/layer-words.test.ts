// What the console says of each layer: a tick only where it is true of every live session.
import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../../shared/contracts/settings.ts';
import type { Layers } from '../../state/connectivity-layers.ts';
import { describeLayers } from './layer-words.ts';

const verificationSetting = 'service.e2ee.require_e2ee_session_verification';
const layers = (relayHop: Layers['relayHop'], coverage: Layers['e2ee']['coverage'], looked = 2): Layers => ({
  relayHop,
  e2ee: { coverage, sessions: 1, without: 1, ciphers: [] },
  verification: { coverage, verified: 1, unverified: 1, fingerprintCompared: 1 },
  devices: { sessions: 0 },
  looked,
  total: looked,
});
const marks = (given: Layers, required = false) =>
  describeLayers(given, { ...defaultSettings, [verificationSetting]: required }).map(({ mark }) => mark);

describe('describeLayers', () => {
  it.each([
    [{ encrypted: true, url: 'wss://r.example' }, 'ok'],
    [{ encrypted: false, url: 'ws://r.example' }, 'warn'],
    [{ encrypted: false, url: 'ws://127.0.0.1:9' }, 'off'],
    [{ encrypted: false, url: 'ws://127.0.0.1.example' }, 'warn'],
    [{ encrypted: false, url: 'ws://localhost.example' }, 'warn'],
    [{ encrypted: false, url: 'ws://[::1]:9/x' }, 'off'],
    [null, 'off'],
  ] as const)('marks the hop %j as %s', (relayHop, mark) => {
    expect(marks(layers(relayHop, 'all'))[0]).toBe(mark);
  });

  it.each([
    ['idle', false, ['off', 'off']],
    ['all', false, ['ok', 'ok']],
    ['some', false, ['warn', 'off']],
    ['none', false, ['warn', 'off']],
    ['some', true, ['warn', 'warn']],
    ['none', true, ['warn', 'warn']],
  ] as const)(
    'has for coverage %s (verification required: %s) the marks %j',
    (coverage, required, expected) => {
      expect(marks(layers(null, coverage), required).slice(1, 3)).toEqual(expected);
    },
  );

  it.each([
    [null, 'off'],
    [{ sessions: 0 }, 'off'],
    [{ sessions: 2 }, 'ok'],
  ] as const)('marks the device sessions %j as %s', (devices, mark) => {
    expect(marks({ ...layers(null, 'idle'), devices })[3]).toBe(mark);
  });

  it('says that no device can sign in while nobody is named who lets them in', () => {
    const words = (settings: typeof defaultSettings) =>
      describeLayers(layers(null, 'idle'), settings)[3]?.more;
    const named = { 'service.oidc.issuer': 'https://id.example', 'service.oidc.audience': 'gatehouse' };
    expect(words(defaultSettings)).not.toBe(words({ ...defaultSettings, ...named }));
  });

  it('says nothing of compared fingerprints where there is no session', () => {
    const [, , verification] = describeLayers(layers(null, 'idle', 0), defaultSettings);
    expect(verification?.more).not.toMatch(/0/);
  });
});
