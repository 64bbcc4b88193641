// The words of settings: names, values and what a change was. Pure but for the language.
import type { SettingChange } from '../../../shared/contracts/console/models.ts';
import type { SettingName, Settings } from '../../../shared/contracts/settings.ts';
import * as m from '../../i18n/compiled/messages.js';
import { e2ee, verification } from '../../state/settings.svelte.ts';
import {
  maxAgeMinutes,
  maxRequests,
  maxSizeMb,
  oidcAudience,
  oidcIssuer,
  retentionDays,
} from '../../state/settings-typed.svelte.ts';
import type { NumberName } from '../../state/settings-typed.svelte.ts';
import { formatNumber } from '../../ui/format.ts';

const titles: Readonly<Record<SettingName, () => string>> = {
  [e2ee]: m.settings_e2ee,
  [verification]: m.settings_verification,
  [retentionDays]: m.settings_days,
  [maxSizeMb]: m.settings_size,
  [oidcIssuer]: m.settings_issuer,
  [oidcAudience]: m.settings_audience,
  [maxAgeMinutes]: m.settings_age,
  [maxRequests]: m.settings_requests,
};

const units: Readonly<Record<NumberName, () => string>> = {
  [retentionDays]: m.settings_days_unit,
  [maxSizeMb]: m.settings_size_unit,
  [maxAgeMinutes]: m.settings_age_unit,
  [maxRequests]: m.settings_requests_unit,
};

export function titleOf(name: SettingName): string {
  return titles[name]();
}

export function describeValue(name: SettingName, value: Settings[SettingName]): string {
  if (typeof value === 'boolean') return value ? m.settings_on() : m.settings_off();
  if (typeof value === 'string') return value === '' ? m.settings_none() : value;
  return `${formatNumber(value)} ${unitOf(name as NumberName)}`;
}

export function unitOf(name: NumberName): string {
  return units[name]();
}

export function describeChange({ name, old, value }: SettingChange): string {
  return m.settings_changed({
    name: titleOf(name),
    old: describeValue(name, old),
    value: describeValue(name, value),
  });
}

/** Whether turning verification on has turned E2EE on. */
export function impliedE2ee(changes: readonly SettingChange[]): boolean {
  const on = (wanted: SettingName): boolean =>
    changes.some(({ name, value }) => name === wanted && value === true);
  return on(verification) && on(e2ee);
}

/** The audit log's lines about one subject. */
export function auditHref(filter: string): string {
  return `#/audit?filter=${encodeURIComponent(filter)}`;
}
