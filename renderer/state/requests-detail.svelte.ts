// The request that is open beside the list: its row at once, its detail when it has come, its note and its pin. While one
// steps quickly through the list only the last one is asked for. Must never show the detail of another request.
import type { RequestDetail, RequestView } from '../../shared/contracts/console/models.ts';
import { asGatehouseError } from '../../shared/contracts/errors.ts';
import type { GatehouseError } from '../../shared/contracts/errors.ts';
import type { ConsoleModel } from './console.svelte.ts';

/** From the last step until the detail is asked for, milliseconds. */
const askAfterMs = 40;
/** Between two looks at a request that still runs, milliseconds. */
const lookAgainMs = 1000;

export class OpenRequest {
  id = $state<number | null>(null);
  row = $state.raw<RequestView | null>(null);
  detail = $state.raw<RequestDetail | null>(null);
  problem = $state.raw<GatehouseError | null>(null);
  readonly #console: ConsoleModel;
  readonly #renew: (row: RequestView) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort: AbortController | null = null;
  #askedAt = 0;

  constructor(console: ConsoleModel, renew: (row: RequestView) => void) {
    this.#console = console;
    this.#renew = renew;
  }

  show(id: number | null, row: RequestView | null): void {
    if (id === this.id) return;
    this.stop();
    this.id = id;
    this.row = row;
    this.detail = null;
    this.problem = null;
    if (id !== null) this.#timer = setTimeout(() => void this.#ask(id), askAfterMs);
  }

  /** Looks again where the request was not over. */
  changed(): void {
    const running = this.detail?.status === 'RUNNING';
    if (running && this.id !== null && performance.now() - this.#askedAt > lookAgainMs)
      void this.#ask(this.id);
  }

  retry(): void {
    if (this.id !== null) void this.#ask(this.id);
  }

  async pin(pinned: boolean): Promise<void> {
    const { id } = this;
    if (id === null) return;
    try {
      await this.#console.call('requests.pin', { id, pinned });
      this.#change(id, { pinned });
    } catch (error) {
      this.#console.report(error);
    }
  }

  /** Rejects where it could not be stored, so that the text stays with its field. */
  async annotate(note: string): Promise<void> {
    const { id } = this;
    if (id === null) return;
    await this.#console.call('requests.annotate', { id, note });
    this.#change(id, { noted: note !== '' });
    if (this.detail !== null && this.id === id)
      this.detail = { ...this.detail, note: note === '' ? null : note };
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
  }

  #change(id: number, change: Partial<RequestView>): void {
    if (this.id !== id) return;
    if (this.detail !== null) this.detail = { ...this.detail, ...change };
    if (this.row !== null) this.row = { ...this.row, ...change };
    const row = this.row ?? this.detail;
    if (row !== null) this.#renew(row);
  }

  async #ask(id: number): Promise<void> {
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.#askedAt = performance.now();
    try {
      const detail = await this.#console.call('requests.detail', { id }, { signal: abort.signal });
      if (abort.signal.aborted) return;
      this.detail = detail;
      this.row = detail;
      this.problem = null;
    } catch (error) {
      if (!abort.signal.aborted) this.problem = asGatehouseError(error);
    }
  }
}
