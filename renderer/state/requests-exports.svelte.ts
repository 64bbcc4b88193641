// Exports of exactly what the list shows: starts one, follows its progress, cancels it. The file goes straight from the
// service to the browser's downloads. Must never hold the rows.
import type { ExportFormat, ExportView, RequestSort } from '../../shared/contracts/console/models.ts';
import type { ConsoleModel } from './console.svelte.ts';
import { Task } from './task.svelte.ts';

export class RequestsExports {
  open = $state(false);
  format = $state<ExportFormat>('har');
  readonly task = new Task();
  #id = $state<string | null>(null);
  readonly #console: ConsoleModel;

  constructor(console: ConsoleModel) {
    this.#console = console;
  }

  /** The one that was started last; null before. */
  get current(): ExportView | null {
    if (this.#id === null) return null;
    return this.#console.topic('exports')?.find(({ id }) => id === this.#id) ?? null;
  }

  get running(): boolean {
    const state = this.current?.state;
    return this.task.busy || state === 'waiting' || state === 'running';
  }

  async start(filter: string, sort: RequestSort): Promise<void> {
    const { format } = this;
    await this.task.run(async () => {
      const { id, url, fileName } = await this.#console.call('requests.export', { filter, sort, format });
      this.#id = id;
      this.#console.client.download(url, fileName);
    });
  }

  async cancel(): Promise<void> {
    const id = this.#id;
    if (id === null) return;
    await this.#console
      .call('requests.cancelExport', { id })
      .catch((error: unknown) => this.#console.report(error));
  }

  /** Ready for another. */
  again(): void {
    this.#id = null;
    this.task.clear();
  }
}
