// Changing a setting. What opens something that was closed needs the password; what one setting implies is changed
// with it and said.
import type { SettingChange } from '../../../shared/contracts/console/models.ts';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { parseSettingValue } from '../../../shared/contracts/settings.ts';
import type { SettingName, Settings } from '../../../shared/contracts/settings.ts';
import { done } from './call-context.ts';
import type { CallContext, CallsOf, ConsoleParts, Handlers } from './call-context.ts';

const requireE2ee = 'service.e2ee.require_e2ee';
const requireVerification = 'service.e2ee.require_e2ee_session_verification';
const guards: ReadonlySet<SettingName> = new Set([requireE2ee, requireVerification]);

interface Wanted<N extends SettingName = SettingName> {
  readonly name: N;
  readonly value: Settings[N];
}

export function settingsHandlers(parts: ConsoleParts): Handlers<CallsOf<'settings'>> {
  return {
    'settings.set': async ({ name, value: given, password }, context) => {
      const { settings } = await parts.installation.foundation();
      const value = parseSettingValue(name, given);
      const wanted = changesFor({ name, value }, settings.all());
      if (wanted.some((each) => opens(each, settings.all()))) await confirm(parts, context, password);
      const changes: SettingChange[] = [];
      for (const change of wanted) changes.push(await apply(parts, context, change));
      return { changes };
    },
    'settings.appearance': async ({ name, old, value }, { session }) => {
      const subject = `console.${name}`;
      await parts.audit.record({ action: 'settings.changed', actor: session.actor, subject, old, value });
      return done;
    },
  };
}

/** All that `wanted` changes, what it implies first: so that no moment is laxer than the one before. */
export function changesFor(wanted: Wanted, now: Readonly<Settings>): readonly Wanted[] {
  const implied: Wanted[] =
    wanted.name === requireVerification && wanted.value === true ? [{ name: requireE2ee, value: true }] : [];
  return [...implied, wanted].filter(({ name, value }) => now[name] !== value);
}

function opens({ name, value }: Wanted, now: Readonly<Settings>): boolean {
  return guards.has(name) && now[name] === true && value === false;
}

async function confirm(
  parts: ConsoleParts,
  { session }: CallContext,
  password: string | undefined,
): Promise<void> {
  if (password === undefined) {
    const message = 'This change opens what was closed. Confirm it with the superadmin password.';
    throw new GatehouseError('password_needed', message);
  }
  await parts.password.open(session, password);
}

async function apply(
  parts: ConsoleParts,
  { session }: CallContext,
  { name, value }: Wanted,
): Promise<SettingChange> {
  const { settings } = await parts.installation.foundation();
  const change = {
    action: 'settings.changed',
    actor: session.actor,
    subject: name,
    old: String(settings.get(name)),
    value: String(value),
  } as const;
  return parts.audit.around(change, () => settings.set(name, value));
}
