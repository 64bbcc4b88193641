// The Requests page: what its address says is asked, the list follows the log, and detail, chart, count, views and
// exports follow the list. Made with the page and ended with it. Must write the address with delay: a browser refuses
// a page that does it often.
import { untrack } from 'svelte';
import type { RequestSort, RequestView, SavedView, SortKey } from '../../shared/contracts/console/models.ts';
import type { ConsoleModel } from './console.svelte.ts';
import { RequestsChart } from './requests-chart.svelte.ts';
import { Columns } from './requests-columns.svelte.ts';
import type { ColumnStorage } from './requests-columns.svelte.ts';
import { RequestsComparison } from './requests-comparison.svelte.ts';
import { RequestsCount } from './requests-count.svelte.ts';
import { OpenRequest } from './requests-detail.svelte.ts';
import { RequestsExports } from './requests-exports.svelte.ts';
import { LiveList } from './requests-live-list.svelte.ts';
import { formatPlace, parsePlace } from './requests-place.ts';
import type { RequestsPlace } from './requests-place.ts';
import { readRequests } from './requests-source.ts';
import { SavedViews } from './requests-views.svelte.ts';

/** From the last step through the list until the address names the request, milliseconds. */
const addressAfterMs = 250;

export class RequestsPageModel {
  readonly console: ConsoleModel;
  readonly list = new LiveList<RequestView>({
    byId: true,
    unfinished: (row) => row.status === 'RUNNING',
  });
  readonly columns: Columns;
  readonly count: RequestsCount;
  readonly chart: RequestsChart;
  readonly detail: OpenRequest;
  readonly comparison: RequestsComparison;
  readonly exports: RequestsExports;
  readonly views: SavedViews;
  readonly place: RequestsPlace = $derived.by(() => parsePlace((name) => this.console.router.query(name)));
  readonly filter = $derived(this.place.filter);
  readonly shown = $derived.by(() => this.columns.shown(this.place.columns));
  #addressTimer: ReturnType<typeof setTimeout> | undefined;
  #addressId: number | null = null;

  constructor(console: ConsoleModel, storage: ColumnStorage) {
    this.console = console;
    this.columns = new Columns(storage);
    this.count = new RequestsCount(console, this.list);
    this.chart = new RequestsChart(console, storage);
    this.detail = new OpenRequest(console, (row) => this.list.renew(row));
    this.comparison = new RequestsComparison(console);
    this.exports = new RequestsExports(console);
    this.views = new SavedViews(console);
  }

  /** Follows the address and the log; call it while the page's component is being made. */
  run(): void {
    const sortText = $derived(`${this.place.sort.key} ${this.place.sort.descending}`);
    $effect(() => this.#ask(this.filter, sortText));
    $effect(() => this.#follow());
    $effect(() => {
      const id = this.place.id;
      untrack(() => this.#openFromAddress(id));
    });
    $effect(() => {
      if (this.console.link.state === 'open') untrack(() => this.list.problem !== null && this.list.retry());
    });
    $effect(() => () => this.#stop());
    void this.views.load();
  }

  ask(filter: string): void {
    this.#go({ filter });
  }

  /** The other direction where the list is in this order already; else the largest first. */
  sortBy(key: SortKey): void {
    const { sort } = this.place;
    this.setSort({ key, descending: sort.key === key ? !sort.descending : true });
  }

  setSort(sort: RequestSort): void {
    this.#go({ sort });
  }

  /** Remembers the columns, and takes them out of the address. */
  setColumns(names: Parameters<Columns['remember']>[0]): void {
    this.columns.remember(names);
    this.#go({ columns: [] });
  }

  load(view: SavedView): void {
    this.#go({ filter: view.filter, sort: view.sort, columns: view.columns });
  }

  saveView(name: string): Promise<void> {
    const columns = this.shown.map((column) => column.name);
    return this.views.save({ name, filter: this.filter, sort: this.place.sort, columns });
  }

  open(id: number | null): void {
    this.list.choose(id);
    this.#show(id);
  }

  step(by: number): void {
    this.list.move(by);
    this.#show(this.list.chosenId);
  }

  stepPage(direction: 1 | -1): void {
    this.list.movePage(direction);
    this.#show(this.list.chosenId);
  }

  #ask(filter: string, _sort: string): void {
    untrack(() => {
      const { sort, id } = this.place;
      const timed = sort.key === 'time';
      this.list.idOrder = timed ? (sort.descending ? 'descending' : 'ascending') : 'none';
      const start = this.list.view.rows === 0 ? id : null;
      this.list.ask(readRequests(this.console, filter, sort), start);
      this.count.ask(filter, sort);
      this.chart.ask(filter);
    });
  }

  #follow(): void {
    const change = this.console.topic('requests');
    if (change === undefined) return;
    untrack(() => {
      this.list.changed(change.newestId);
      this.count.changed();
      this.chart.changed(this.list.following);
      this.detail.changed();
    });
  }

  /** Somebody followed a link, or went back. */
  #openFromAddress(id: number | null): void {
    if (id === this.#addressId) return;
    this.#addressId = id;
    this.list.choose(id);
    this.detail.show(id, null);
  }

  #show(id: number | null): void {
    this.detail.show(id, id === null ? null : this.list.rowOf(id));
    clearTimeout(this.#addressTimer);
    this.#addressTimer = setTimeout(() => {
      this.#addressId = id;
      this.#go({ id });
    }, addressAfterMs);
  }

  #go(change: Partial<RequestsPlace>): void {
    const next = { ...this.place, ...change };
    if (JSON.stringify(next) === JSON.stringify(this.place)) return;
    this.console.router.replaceQuery(formatPlace(next));
  }

  #stop(): void {
    clearTimeout(this.#addressTimer);
    this.list.stop();
    this.count.stop();
    this.chart.stop();
    this.detail.stop();
  }
}
