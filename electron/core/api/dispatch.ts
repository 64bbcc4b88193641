// The one entry of the console API, for every host: parse, authorise, run, and put on record what was refused.
// It never throws, and what it answers has no stack and no secret. Must not know where a call came from.
import type { Logger } from 'pino';
import * as v from 'valibot';
import { calls, isCallName } from '../../../shared/contracts/console/calls.ts';
import type { CallName, CallResult } from '../../../shared/contracts/console/calls.ts';
import type { CallAnswer } from '../../../shared/contracts/console/transport.ts';
import { asGatehouseError, GatehouseError } from '../../../shared/contracts/errors.ts';
import type { ErrorCode } from '../../../shared/contracts/errors.ts';
import type { AuditLedger } from './audit-ledger.ts';
import type { CallContext, Handlers } from './call-context.ts';

/** Failures that are on record already, or say nothing about the call. */
const silent: ReadonlySet<ErrorCode> = new Set([
  'superadmin_password_wrong',
  'sign_in_delayed',
  'certificate_import_failed',
  'cancelled',
]);

export interface DispatchOptions {
  readonly handlers: Handlers;
  readonly audit: AuditLedger;
  readonly logger: Logger;
}

export class Dispatch {
  readonly #options: DispatchOptions;

  constructor(options: DispatchOptions) {
    this.#options = options;
  }

  /** Answers one call of `context.session`, whatever `name` and `args` are. */
  async call(name: unknown, args: unknown, context: CallContext): Promise<CallAnswer<CallName>> {
    try {
      if (!isCallName(name))
        throw new GatehouseError('console_call_unknown', 'The console has no such call.');
      context.session.touch(Date.now());
      return { result: await this.#run(name, args, context) };
    } catch (thrown) {
      const error = asGatehouseError(thrown);
      this.refused(context.session.actor, String(name), error);
      return { error: error.toJSON() };
    }
  }

  /** Puts on record that `actor` was refused; for a host that refuses by itself, too. */
  refused(actor: string, subject: string, error: GatehouseError): void {
    const { code, message } = error;
    if (code === 'internal')
      this.#options.logger.error({ err: error.cause ?? error }, 'A console call failed.');
    if (silent.has(code)) return;
    this.#options.audit.note({
      action: 'console.call_refused',
      actor,
      subject: printable(subject),
      code,
      message,
    });
  }

  #run<N extends CallName>(
    name: N,
    args: unknown,
    context: CallContext,
  ): Promise<CallResult<N>> | CallResult<N> {
    const { access, args: schema } = calls[name];
    if (access === 'signed_in' && !context.session.signedIn) {
      throw new GatehouseError('not_signed_in', 'Sign in with the superadmin password first.');
    }
    // A list counts as an object for the schemas.
    if (Array.isArray(args)) throw malformed(name, null);
    const parsed = v.safeParse(schema, args);
    if (!parsed.success) throw malformed(name, v.getDotPath(parsed.issues[0]));
    const handler: Handlers[N] = this.#options.handlers[name];
    return handler(parsed.output, context);
  }
}

/** Names the argument, never its value: that may be a password. */
function malformed(name: CallName, path: string | null): GatehouseError {
  const where = path === null ? 'Its arguments are' : `"${path}" is`;
  return new GatehouseError('console_call_malformed', `${where} not of the form that ${name} takes.`, {
    details: { call: name, argument: path },
  });
}

function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?');
}
