// What the handlers of the console API are given, and the shape of their table: a call without a handler is a
// compile error.
import type { Logger } from 'pino';
import type { CallArgs, CallName, CallResult } from '../../../shared/contracts/console/calls.ts';
import type { Installation } from '../installation.ts';
import type { AuditLedger } from './audit-ledger.ts';
import type { ConnectivityMonitor } from './connectivity-monitor.ts';
import type { ConsoleExports } from './console-exports.ts';
import type { ConsoleSession } from './console-session.ts';
import type { ConsoleSessions } from './console-sessions.ts';
import type { ExpectedChanges } from './expected-changes.ts';
import type { OwnChanges } from './own-changes.ts';
import type { PasswordCheck } from './password-check.ts';
import type { SetupKey } from './setup-key.ts';

export interface CallContext {
  readonly session: ConsoleSession;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

export type Handler<N extends CallName> = (
  args: CallArgs<N>,
  context: CallContext,
) => Promise<CallResult<N>> | CallResult<N>;

export type Handlers<N extends CallName = CallName> = { readonly [K in N]: Handler<K> };

/** The calls whose name begins so. */
export type CallsOf<Prefix extends string> = Extract<CallName, `${Prefix}.${string}`>;

/** What the handlers work on; made once for a console. */
export interface ConsoleParts {
  readonly installation: Installation;
  readonly sessions: ConsoleSessions;
  readonly password: PasswordCheck;
  readonly audit: AuditLedger;
  readonly changes: OwnChanges;
  /** Of devices and collections. */
  readonly expected: ExpectedChanges;
  readonly monitor: ConnectivityMonitor;
  readonly exports: ConsoleExports;
  /** Asked for on a first run; null where the host needs none. */
  readonly setupKey: SetupKey | null;
  readonly logger: Logger;
}

/** The result of a call that has nothing to tell. */
export const done = {} as const;
