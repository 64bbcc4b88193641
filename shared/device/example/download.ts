// One download as a state machine: being prepared by the agent, running, paused (by the person, or because the connection stayed away), done, failed.
// It goes on from what is kept. Every byte that is kept was authentic when it came.
import { GatehouseError } from '../../contracts/errors.ts';
import {
  askForDocument,
  saveDocument,
  type Device,
  type DocumentToDownload,
  type Preparing,
  type Session,
} from '../index.ts';
import { PartialFile } from './partial-file.ts';

export type DownloadState = 'waiting' | 'preparing' | 'running' | 'paused' | 'done' | 'failed';

export class Download {
  readonly collection: string;
  readonly name: string;
  state: DownloadState = 'waiting';
  /** Why it is paused or failed; null where the person paused it. */
  reason: GatehouseError | null = null;
  received = 0;
  length = 0;
  /** How far the agent is, while it prepares the document. */
  prepared: Preparing = { done: 0, total: 0 };
  /** Bytes that were kept from before. */
  resumedFrom = 0;
  content: Blob | null = null;
  readonly #device: Device;
  readonly #session: Session;
  readonly #tell: () => void;
  #cancel = new AbortController();

  constructor(of: { collection: string; name: string }, device: Device, session: Session, tell: () => void) {
    this.collection = of.collection;
    this.name = of.name;
    this.#device = device;
    this.#session = session;
    this.#tell = tell;
  }

  /** Starts or goes on. Never throws: `state` and `reason` say how it went. */
  async run(): Promise<void> {
    this.#cancel = new AbortController();
    this.#become('running', null);
    let kept: PartialFile | null = null;
    try {
      const { collection, name } = this;
      const document = await askForDocument(
        this.#session,
        { collection, name },
        { signal: this.#cancel.signal, onPreparing: (progress) => this.#prepares(progress) },
      );
      this.#become('running', null);
      kept = await PartialFile.open(document.version);
      await this.#receive(document, kept);
      this.content = await kept.blob();
      this.#become('done', null);
    } catch (error) {
      await kept?.flush().catch(() => undefined);
      if (isCode(error, 'blob_not_authentic')) await kept?.remove().catch(() => undefined);
      this.#stopped(error);
    }
  }

  pause(): void {
    this.#cancel.abort();
  }

  async #receive(document: DocumentToDownload, kept: PartialFile): Promise<void> {
    this.length = document.length;
    this.received = kept.length;
    this.resumedFrom = kept.length;
    this.#tell();
    await saveDocument(this.#device, document, kept.sink(), {
      lent: true,
      saved: kept.content(),
      signal: this.#cancel.signal,
      onProgress: (received) => {
        this.received = received;
        this.#tell();
      },
    });
  }

  #prepares(progress: Preparing): void {
    this.prepared = progress;
    this.#become('preparing', null);
  }

  #stopped(error: unknown): void {
    if (!(error instanceof GatehouseError)) {
      this.#become(
        'failed',
        new GatehouseError('storage_failed', `The browser could not keep the document (${String(error)}).`),
      );
    } else if (error.code === 'cancelled') this.#become('paused', null);
    else this.#become(passing.has(error.code) ? 'paused' : 'failed', error);
  }

  #become(state: DownloadState, reason: GatehouseError | null): void {
    this.state = state;
    this.reason = reason;
    this.#tell();
  }
}

/** After these it can go on where it stopped. */
const passing: ReadonlySet<string> = new Set([
  'relay_unreachable',
  'timeout',
  'truncated',
  'service_offline',
  'oidc_unavailable',
]);

function isCode(error: unknown, code: string): boolean {
  return error instanceof GatehouseError && error.code === code;
}
