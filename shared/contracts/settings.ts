// The settings of a service under the seeds' own names: schema, defaults, and parsing from text.
// One table; CLI, console and service all derive from it.
import * as v from 'valibot';
import { GatehouseError } from './errors.ts';

const wholeNumber = (min: number, max: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));

/** An https URL, or one on loopback; empty where there is none. */
const issuer = v.pipe(
  v.string(),
  v.maxLength(2048),
  v.regex(
    /^(|https:\/\/[^\s]+|http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(\/[^\s]*)?)$/,
    'it takes an https:// URL',
  ),
);

/** Bounds are part of the promise: the device-session limits can be lowered, never raised. */
const settingSchemas = {
  'service.e2ee.require_e2ee': v.boolean(),
  'service.e2ee.require_e2ee_session_verification': v.boolean(),
  'service.device_sessions.max_age_minutes': wholeNumber(1, 15),
  'service.device_sessions.max_requests': wholeNumber(1, 1000),
  'service.oidc.issuer': issuer,
  'service.oidc.audience': v.pipe(v.string(), v.maxLength(256)),
  'service.inspector.retention_days': wholeNumber(1, 3650),
  'service.inspector.max_size_mb': wholeNumber(16, 1_048_576),
} as const;

export type SettingName = keyof typeof settingSchemas;
export type Settings = { [N in SettingName]: v.InferOutput<(typeof settingSchemas)[N]> };

export const defaultSettings: Readonly<Settings> = {
  'service.e2ee.require_e2ee': true,
  'service.e2ee.require_e2ee_session_verification': false,
  'service.device_sessions.max_age_minutes': 15,
  'service.device_sessions.max_requests': 1000,
  // Without an issuer no device gets in.
  'service.oidc.issuer': '',
  'service.oidc.audience': '',
  'service.inspector.retention_days': 30,
  'service.inspector.max_size_mb': 1024,
};

export const settingNames = Object.keys(settingSchemas) as readonly SettingName[];

/** @throws GatehouseError `settings_invalid` naming the settings that exist. */
export function parseSettingName(name: string): SettingName {
  if (Object.hasOwn(settingSchemas, name)) return name as SettingName;
  const known = settingNames.join(', ');
  throw new GatehouseError('settings_invalid', `There is no setting "${name}". The settings are: ${known}.`);
}

/** Checks one value. @throws GatehouseError `settings_invalid` with what the setting takes. */
export function parseSettingValue<N extends SettingName>(name: N, value: unknown): Settings[N] {
  const result = v.safeParse(settingSchemas[name], value);
  if (result.success) return result.output as Settings[N];
  const reason = result.issues.map((issue) => issue.message).join('; ');
  throw new GatehouseError('settings_invalid', `${name} does not take ${JSON.stringify(value)}: ${reason}.`);
}

/** Checks a value typed by a person: `true`, `false`, a whole number, or a text (which may look like either). */
export function parseSettingText<N extends SettingName>(name: N, text: string): Settings[N] {
  if (typeof defaultSettings[name] === 'string') return parseSettingValue(name, text.trim());
  const plain = text.trim().toLowerCase();
  if (plain === 'true' || plain === 'false') return parseSettingValue(name, plain === 'true');
  if (/^\d{1,15}$/.test(plain)) return parseSettingValue(name, Number(plain));
  return parseSettingValue(name, text);
}

/**
 * Whether calls need E2EE: required by itself, or implied by session verification, which only
 * ever runs inside E2EE.
 */
export function e2eeRequired(settings: Readonly<Settings>): boolean {
  return settings['service.e2ee.require_e2ee'] || settings['service.e2ee.require_e2ee_session_verification'];
}
