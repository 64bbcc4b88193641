// The Audit page: the address says the filter, the list follows the log, and one entry is open beside it. The log is
// append-only, and so is what this page can do to it: nothing.
import { untrack } from 'svelte';
import type { AuditView } from '../../shared/contracts/console/models.ts';
import type { ConsoleModel } from './console.svelte.ts';
import { LiveList } from './requests-live-list.svelte.ts';
import { readAudit } from './requests-source.ts';

export class AuditPageModel {
  readonly console: ConsoleModel;
  readonly list = new LiveList<AuditView>({ byId: false });
  /** The entry that is open; it never changes. */
  open = $state.raw<AuditView | null>(null);
  readonly filter: string = $derived.by(() => this.console.router.query('filter'));

  constructor(console: ConsoleModel) {
    this.console = console;
  }

  /** Follows the address and the log; call it while the page's component is being made. */
  run(): void {
    $effect(() => {
      const { filter } = this;
      untrack(() => this.list.ask(readAudit(this.console, filter), null));
    });
    $effect(() => {
      const change = this.console.topic('audit');
      if (change !== undefined) untrack(() => this.list.changed(change.newestId));
    });
    $effect(() => {
      if (this.console.link.state === 'open') untrack(() => this.list.problem !== null && this.list.retry());
    });
    $effect(() => () => this.list.stop());
  }

  ask(filter: string): void {
    if (filter !== this.filter) this.console.router.replaceQuery({ filter: filter === '' ? null : filter });
  }

  /** How many entries came since the list stopped following. */
  get newer(): number {
    return this.list.following ? 0 : Math.max(0, this.list.newestId - this.list.seenId);
  }

  show(entry: AuditView | null): void {
    this.list.choose(entry?.id ?? null);
    this.open = entry;
  }

  step(by: number): void {
    this.list.move(by);
    this.#openChosen();
  }

  stepPage(direction: 1 | -1): void {
    this.list.movePage(direction);
    this.#openChosen();
  }

  #openChosen(): void {
    const { chosenId } = this.list;
    this.open = chosenId === null ? null : this.list.rowOf(chosenId);
  }
}
