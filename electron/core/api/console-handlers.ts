// Signing in and out, the first run, and the password.
import { setTimeout as delay } from 'node:timers/promises';
import type { CallResult } from '../../../shared/contracts/console/calls.ts';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { callLine } from './call-line.ts';
import { done } from './call-context.ts';
import type { CallContext, CallsOf, ConsoleParts, Handlers } from './call-context.ts';

/** How long the first run waits for its relay, in milliseconds. */
const relayPatienceMs = 5_000;

export function consoleHandlers(parts: ConsoleParts): Handlers<CallsOf<'console'>> {
  return {
    'console.setup': (args, context) => setUp(parts, args, context),
    'console.unlock': (args, context) => unlock(parts, args, context),
    'console.lock': async (_args, { session }) => {
      session.signOut();
      parts.audit.note({ action: 'console.lock', actor: session.administrator, subject: 'console' });
      return done;
    },
    'console.changePassword': (args, context) => changePassword(parts, args, context),
    'console.forgetPassword': async () => {
      await parts.installation.host.keyVault.forget();
      return done;
    },
  };
}

type SetUp = Parameters<Handlers['console.setup']>[0];

async function setUp(
  parts: ConsoleParts,
  { setupKey, password, relay, remember }: SetUp,
  { session }: CallContext,
): Promise<CallResult<'console.setup'>> {
  const { installation } = parts;
  const entry = {
    action: 'console.setup',
    actor: session.administrator,
    subject: 'service',
    value: relay.kind,
  } as const;
  await installation.setup(password, relay, async () => {
    parts.setupKey?.check(setupKey);
    await parts.audit.record(entry);
    parts.setupKey?.use();
  });
  session.signIn();
  if (remember === true) await rememberPassword(parts, password);
  // The line that is shown next can be used at once, unless the relay is out of reach.
  await Promise.race([installation.service.relayTried, delay(relayPatienceMs, undefined, { ref: false })]);
  const { serviceId, fingerprint } = installation.service;
  return { serviceId, fingerprint, callLine: callLine(installation) };
}

type Unlock = Parameters<Handlers['console.unlock']>[0];

async function unlock(parts: ConsoleParts, { password, remember }: Unlock, { session }: CallContext) {
  const { installation } = parts;
  if (installation.state.phase === 'first_run') {
    throw new GatehouseError('secrets_missing', 'This service has not been set up yet.');
  }
  const secrets = await parts.password.open(session, password);
  parts.audit.note({ action: 'console.unlock', actor: session.administrator, subject: 'console' });
  await installation.start(secrets);
  session.signIn();
  if (remember === true) await rememberPassword(parts, password);
  return done;
}

type ChangePassword = Parameters<Handlers['console.changePassword']>[0];

async function changePassword(
  parts: ConsoleParts,
  { password, next }: ChangePassword,
  { session }: CallContext,
) {
  const { actor } = session;
  const secrets = await parts.password.open(session, password);
  await parts.audit.around(
    { action: 'console.password_changed', actor, subject: 'superadmin password' },
    () => secrets.changePassword(password, next),
  );
  await parts.installation.host.keyVault.forget();
  parts.sessions.signOutAll();
  return done;
}

/** @throws GatehouseError `usage` where the host cannot */
async function rememberPassword({ installation }: ConsoleParts, password: string): Promise<void> {
  const { keyVault } = installation.host;
  const { available, reason } = keyVault.availability();
  if (!available) throw new GatehouseError('usage', reason ?? 'The password cannot be remembered here.');
  await keyVault.remember(password);
}
