// The words for each layer of encryption. A tick stands only where every live session has it. Pure but for the language.
import type { Settings } from '../../../shared/contracts/settings.ts';
import { e2eeRequired } from '../../../shared/contracts/settings.ts';
import * as m from '../../i18n/compiled/messages.js';
import type { Layers } from '../../state/connectivity-layers.ts';
import { formatNumber } from '../../ui/format.ts';

export interface LayerWords {
  readonly id: 'hop' | 'e2ee' | 'verification' | 'devices';
  readonly name: string;
  readonly mark: 'ok' | 'warn' | 'off';
  readonly state: string;
  readonly more: string;
}

export function describeLayers(layers: Layers, settings: Readonly<Settings>): LayerWords[] {
  return [hop(layers), e2ee(layers, settings), verification(layers, settings), devices(layers, settings)];
}

function hop({ relayHop }: Layers): LayerWords {
  const base = { id: 'hop', name: m.connectivity_hop(), more: m.connectivity_hop_more() } as const;
  if (relayHop === null) return { ...base, mark: 'off', state: m.connectivity_hop_none() };
  if (relayHop.encrypted) return { ...base, mark: 'ok', state: m.connectivity_hop_tls() };
  return isLoopback(relayHop.url)
    ? { ...base, mark: 'off', state: m.connectivity_hop_plain_local() }
    : { ...base, mark: 'warn', state: m.connectivity_hop_plain() };
}

function isLoopback(url: string): boolean {
  return /^\w+:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])([:/]|$)/i.test(url);
}

function e2ee({ e2ee: layer }: Layers, settings: Readonly<Settings>): LayerWords {
  const more = e2eeRequired(settings) ? m.connectivity_e2ee_required() : m.connectivity_e2ee_optional();
  const base = { id: 'e2ee', name: m.connectivity_e2ee(), more } as const;
  switch (layer.coverage) {
    case 'idle':
      return { ...base, mark: 'off', state: m.connectivity_e2ee_idle() };
    case 'all':
      return { ...base, mark: 'ok', state: m.connectivity_e2ee_all({ count: layer.sessions }) };
    case 'some':
      return { ...base, mark: 'warn', state: m.connectivity_e2ee_some({ count: layer.without }) };
    case 'none':
      return { ...base, mark: 'warn', state: m.connectivity_e2ee_none() };
  }
}

function verification({ verification: layer, looked }: Layers, settings: Readonly<Settings>): LayerWords {
  const required = settings['service.e2ee.require_e2ee_session_verification'];
  const policy = required ? m.connectivity_verification_required() : m.connectivity_verification_optional();
  const compared = m.connectivity_compared({ count: layer.fingerprintCompared, all: looked });
  const more = looked === 0 ? policy : `${policy} ${compared}`;
  const base = { id: 'verification', name: m.connectivity_verification(), more } as const;
  const lacking = required ? 'warn' : 'off';
  switch (layer.coverage) {
    case 'idle':
      return { ...base, mark: 'off', state: m.connectivity_verification_idle() };
    case 'all':
      return { ...base, mark: 'ok', state: m.connectivity_verification_all({ count: layer.verified }) };
    case 'some':
      return {
        ...base,
        mark: lacking,
        state: m.connectivity_verification_some({ count: layer.unverified }),
      };
    case 'none':
      return { ...base, mark: lacking, state: m.connectivity_verification_none() };
  }
}

function devices({ devices: layer }: Layers, settings: Readonly<Settings>): LayerWords {
  const open = settings['service.oidc.issuer'] !== '' && settings['service.oidc.audience'] !== '';
  const more = open
    ? m.connectivity_devices_limits({
        minutes: formatNumber(settings['service.device_sessions.max_age_minutes']),
        requests: formatNumber(settings['service.device_sessions.max_requests']),
      })
    : m.connectivity_devices_closed();
  const base = { id: 'devices', name: m.connectivity_devices(), more } as const;
  const count = layer?.sessions ?? 0;
  if (count === 0) return { ...base, mark: 'off', state: m.connectivity_devices_idle() };
  return { ...base, mark: 'ok', state: m.connectivity_devices_all({ count }) };
}
