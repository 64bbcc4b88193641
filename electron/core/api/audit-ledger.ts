// Puts on record who did what at the console. A change is on record before it is made: where the record cannot be
// written, nothing is changed. Refusals are recorded under a quota, so that a flood of them fills no disk.
import { asGatehouseError } from '../../../shared/contracts/errors.ts';
import type { AuditEntry } from '../inspector/inspector-api.ts';

/** Where the entries go. @throws GatehouseError `audit_unavailable` */
export type Append = (entry: AuditEntry) => Promise<unknown>;

/** Refusals of one actor that get a row of their own, a minute; and of all together. */
const quota = { perActor: 60, inAll: 300, windowMs: 60_000 } as const;
/** Of a text from outside, in UTF-16 units. */
const maxTextLength = 256;

export class AuditLedger {
  readonly #append: Append;
  readonly #now: () => number;
  readonly #counts = new Map<string, number>();
  #windowStart = 0;
  #inAll = 0;

  constructor(append: Append, now: () => number = Date.now) {
    this.#append = append;
    this.#now = now;
  }

  /** @throws GatehouseError `audit_unavailable` */
  async record(entry: AuditEntry): Promise<void> {
    await this.#append({ ...entry, actor: cut(entry.actor), subject: cut(entry.subject) });
  }

  /** Records what is about to be done, does it, and records where it failed. @throws `audit_unavailable`, what `work` throws */
  async around<T>(entry: AuditEntry, work: () => Promise<T>): Promise<T> {
    await this.record(entry);
    try {
      return await work();
    } catch (error) {
      const { code, message } = asGatehouseError(error);
      await this.record({ ...entry, code, message }).catch(() => undefined);
      throw error;
    }
  }

  /** Records what was refused or has happened already, if the quota allows; never throws. */
  note(entry: AuditEntry): void {
    if (!this.#admit(entry.actor)) return;
    this.record(entry).catch(() => undefined);
  }

  #admit(actor: string): boolean {
    const now = this.#now();
    if (now - this.#windowStart >= quota.windowMs || now < this.#windowStart) {
      this.#windowStart = now;
      this.#inAll = 0;
      this.#counts.clear();
    }
    const ofActor = this.#counts.get(actor) ?? 0;
    if (ofActor >= quota.perActor || this.#inAll >= quota.inAll) return false;
    this.#inAll += 1;
    this.#counts.set(actor, ofActor + 1);
    return true;
  }
}

function cut(text: string): string {
  return text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength - 1)}…`;
}
