// Exports of the request log: asked for by a call, read once at a URL of their own by the session that asked, with
// progress. Nothing is kept of what was exported; it flows as fast as its reader takes it.
import { randomUUID } from 'node:crypto';
import type { ExportFormat, ExportView } from '../../../shared/contracts/console/models.ts';
import { consolePaths } from '../../../shared/contracts/console/transport.ts';
import { asGatehouseError, GatehouseError } from '../../../shared/contracts/errors.ts';
import type { Installation } from '../installation.ts';
import type { ExportQuery } from '../inspector/inspector-api.ts';
import type { AuditLedger } from './audit-ledger.ts';
import type { ConsoleSession } from './console-session.ts';

/** Exports of a session that are remembered. */
const maxPerSession = 20;

interface Export {
  view: ExportView;
  readonly query: ExportQuery;
  readonly abort: AbortController;
}

/** What a host needs to hand it over. */
export interface OpenedExport {
  readonly fileName: string;
  readonly contentType: string;
  /** @throws GatehouseError while it is read */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** The reader has gone. */
  readonly cancel: () => void;
}

const contentTypes: Readonly<Record<ExportFormat, string>> = {
  har: 'application/json',
  ndjson: 'application/x-ndjson',
  csv: 'text/csv; charset=utf-8',
};

export class ConsoleExports {
  readonly #installation: Installation;
  readonly #audit: AuditLedger;
  readonly #exports = new Map<ConsoleSession, Map<string, Export>>();
  readonly #listeners = new Set<() => void>();

  constructor(installation: Installation, audit: AuditLedger) {
    this.#installation = installation;
    this.#audit = audit;
  }

  /** Newest first. */
  of(session: ConsoleSession): readonly ExportView[] {
    return [...(this.#exports.get(session)?.values() ?? [])].map(({ view }) => view).reverse();
  }

  /** @throws GatehouseError `filter_invalid` */
  async prepare(
    session: ConsoleSession,
    query: ExportQuery,
  ): Promise<{ id: string; url: string; fileName: string }> {
    const { inspector } = await this.#installation.foundation();
    const { count, capped } = await inspector.count(query.filter);
    const { format } = query;
    const id = randomUUID();
    const fileName = `gatehouse-requests-${fileTime(new Date())}.${format}`;
    const totalRows = capped ? null : count;
    const view: ExportView = {
      id,
      format,
      fileName,
      state: 'waiting',
      rows: 0,
      bytes: 0,
      totalRows,
      problem: null,
    };
    this.#remember(session, { view, query, abort: new AbortController() });
    return { id, url: `${consolePaths.exports}${id}`, fileName };
  }

  /** @throws GatehouseError `export_unknown`, also where it has been read; `audit_unavailable` */
  async open(session: ConsoleSession, id: string): Promise<OpenedExport> {
    const found = this.#find(session, id);
    if (found.view.state !== 'waiting') throw unknownExport();
    this.#update(found, { state: 'running' });
    const { filter, format } = found.query;
    await this.#audit.record({ action: 'export.made', actor: session.actor, subject: format, value: filter });
    const { inspector } = await this.#installation.foundation();
    return {
      fileName: found.view.fileName,
      contentType: contentTypes[format],
      chunks: this.#follow(found, inspector.export(found.query, found.abort.signal)),
      cancel: () => found.abort.abort(),
    };
  }

  /** @throws GatehouseError `export_unknown` */
  cancel(session: ConsoleSession, id: string): void {
    const found = this.#find(session, id);
    found.abort.abort();
    if (found.view.state === 'waiting') this.#update(found, { state: 'cancelled' });
  }

  /** Ends the exports of a session that is over. */
  forget(session: ConsoleSession): void {
    for (const { abort } of this.#exports.get(session)?.values() ?? []) abort.abort();
    this.#exports.delete(session);
  }

  /** Returns the unsubscribe. */
  onChange(tell: () => void): () => void {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  }

  async *#follow(found: Export, chunks: AsyncIterable<{ bytes: Uint8Array; rows: number }>) {
    try {
      for await (const { bytes, rows } of chunks) {
        this.#update(found, { rows: found.view.rows + rows, bytes: found.view.bytes + bytes.length });
        yield bytes;
      }
      this.#update(found, { state: 'done' });
    } catch (error) {
      const problem = asGatehouseError(error);
      if (found.abort.signal.aborted) this.#update(found, { state: 'cancelled' });
      else this.#update(found, { state: 'failed', problem: problem.toJSON() });
      throw problem;
    } finally {
      if (found.view.state === 'running') this.#update(found, { state: 'cancelled' });
    }
  }

  #remember(session: ConsoleSession, added: Export): void {
    const all = this.#exports.get(session) ?? new Map<string, Export>();
    this.#exports.set(session, all);
    all.set(added.view.id, added);
    const over = [...all.values()]
      .filter(({ view }) => view.state !== 'running')
      .slice(0, Math.max(0, all.size - maxPerSession));
    for (const { view } of over) all.delete(view.id);
    this.#tell();
  }

  #find(session: ConsoleSession, id: string): Export {
    const found = this.#exports.get(session)?.get(id);
    if (found === undefined) throw unknownExport();
    return found;
  }

  #update(found: Export, change: Partial<ExportView>): void {
    found.view = { ...found.view, ...change };
    this.#tell();
  }

  #tell(): void {
    for (const tell of this.#listeners) tell();
  }
}

function unknownExport(): GatehouseError {
  return new GatehouseError(
    'export_unknown',
    'There is no such export, or it has been read already. Start it again.',
  );
}

/** `2026-11-27T11-40-05Z`: a time that every file system takes. */
function fileTime(date: Date): string {
  return date
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '-');
}
