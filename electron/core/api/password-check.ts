// Checks the superadmin password for whoever gives it at the console: slowed down by the gate, wrong ones on record.
import { asGatehouseError } from '../../../shared/contracts/errors.ts';
import type { Installation } from '../installation.ts';
import type { Secrets } from '../secrets/secrets-file.ts';
import type { AuditLedger } from './audit-ledger.ts';
import type { ConsoleSession } from './console-session.ts';
import { PasswordGate } from './password-gate.ts';

export class PasswordCheck {
  readonly #installation: Installation;
  readonly #audit: AuditLedger;
  readonly #gate: PasswordGate;

  constructor(installation: Installation, audit: AuditLedger, gate = new PasswordGate()) {
    this.#installation = installation;
    this.#audit = audit;
    this.#gate = gate;
  }

  /** The secrets that `password` opens. @throws GatehouseError as `run` */
  open(session: ConsoleSession, password: string): Promise<Secrets> {
    return this.run(session, () => this.#installation.openSecrets(password));
  }

  /**
   * Runs what needs the right password.
   * @throws GatehouseError `superadmin_password_wrong`, `sign_in_delayed`, what `check` throws
   */
  async run<T>(session: ConsoleSession, check: () => Promise<T>): Promise<T> {
    try {
      return await this.#gate.pass(session.source, check);
    } catch (error) {
      const { code, message } = asGatehouseError(error);
      if (code === 'superadmin_password_wrong' || code === 'sign_in_delayed') {
        const { actor } = session;
        this.#audit.note({
          action: 'console.unlock_failed',
          actor,
          subject: 'superadmin password',
          code,
          message,
        });
      }
      throw error;
    }
  }
}
