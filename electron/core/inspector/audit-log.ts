// The audit log: append-only rows on who changed what and what was refused. A row is on the disk by the time `append`
// resolves; an administrator's change that cannot be written down must be refused.
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { AuditChange, AuditPage } from '../../../shared/contracts/console/models.ts';
import { describeFailure } from './failures.ts';
import type { AuditEntry, AuditLogApi, AuditQuery } from './inspector-api.ts';
import type { Inspector } from './inspector.ts';
import type { RequestLog } from './request-log.ts';

/** Characters kept of each text of a row; the rest gives way to an ellipsis. */
export const maxAuditText = 1024;

export interface AuditLogOptions {
  readonly log: Pick<RequestLog, 'file' | 'write' | 'sync'>;
  readonly inspector: Pick<Inspector, 'auditPage' | 'auditNewestId'>;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export class AuditLog implements AuditLogApi {
  readonly #options: AuditLogOptions;
  readonly #listeners = new Set<(change: AuditChange) => void>();
  #newestId: number;

  private constructor(options: AuditLogOptions, newestId: number) {
    this.#options = options;
    this.#newestId = newestId;
  }

  static async open(options: AuditLogOptions): Promise<AuditLog> {
    return new AuditLog(options, await options.inspector.auditNewestId());
  }

  /** Resolves with the row's id once it is committed and synced. @throws GatehouseError `audit_unavailable` */
  async append(entry: AuditEntry): Promise<number> {
    const { log, now = Date.now } = this.#options;
    const { action, actor, subject, old, value, code, message } = entry;
    const row = {
      at: now(),
      action,
      actor: text(actor),
      subject: text(subject),
      ...{ old: optional(old), value: optional(value), code: optional(code), message: optional(message) },
    };
    try {
      const id = await log.write({ kind: 'audit', row });
      await log.sync();
      this.#tell(id);
      return id;
    } catch (error) {
      throw unavailable(error, log.file);
    }
  }

  page(query: AuditQuery, signal?: AbortSignal): Promise<AuditPage> {
    return this.#options.inspector.auditPage(query, signal);
  }

  get change(): AuditChange {
    return { newestId: this.#newestId };
  }

  /** Returns the unsubscribe. */
  onChange(tell: (change: AuditChange) => void): () => void {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  }

  #tell(id: number): void {
    this.#newestId = Math.max(this.#newestId, id);
    for (const tell of this.#listeners) tell(this.change);
  }
}

/** Keeps the cause's sentence, which says what is wrong with the disk or the file. */
function unavailable(error: unknown, file: string): GatehouseError {
  const { message, details } = describeFailure(error, file);
  return new GatehouseError(
    'audit_unavailable',
    `Nothing was changed, for it cannot be written down. ${message}`,
    {
      cause: error,
      details,
    },
  );
}

function optional(value: string | null | undefined): string | null {
  return value === null || value === undefined ? null : text(value);
}

function text(value: string): string {
  return value.length <= maxAuditText ? value : `${value.slice(0, maxAuditText - 1)}…`;
}
