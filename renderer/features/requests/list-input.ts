// Keys and clicks of the inspector's list. A click opens a request; on the funnel of a cell, or with Ctrl or Cmd, it
// filters by the cell's value; with Alt it excludes the value.
import type { RequestView } from '../../../shared/contracts/console/models.ts';
import type { RequestsPageModel } from '../../state/requests-page.svelte.ts';
import { withValue } from '../../state/requests-terms.ts';
import type { FilterBox } from '../../ui/filter-box.svelte.ts';
import type { Panes } from './panes.svelte.ts';

/** The room of a cell's funnel at its right end, pixels. */
const funnelPx = 20;

export function listKey(event: KeyboardEvent, model: RequestsPageModel, panes: Panes): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target !== event.currentTarget) return;
  const keys: Readonly<Record<string, () => void>> = {
    ArrowDown: () => model.step(1),
    ArrowUp: () => model.step(-1),
    PageDown: () => model.stepPage(1),
    PageUp: () => model.stepPage(-1),
    Home: () => model.list.toHead(),
    End: () => model.list.toEnd(),
    Enter: () => (model.detail.id === null ? model.step(0) : panes.focusPanel()),
    Escape: () => model.open(null),
  };
  const run = keys[event.key];
  if (run === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  run();
}

export function clickRow(
  row: RequestView,
  event: MouseEvent,
  model: RequestsPageModel,
  box: FilterBox,
): void {
  const cell = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-field]') : null;
  const field = cell?.dataset.field;
  const value = cell?.dataset.value;
  if (cell !== null && field !== undefined && value !== undefined && isFilterClick(event, cell)) {
    box.set(withValue(box.text, field, value, event.altKey));
  } else model.open(row.id);
}

function isFilterClick(event: MouseEvent, cell: HTMLElement): boolean {
  if (event.altKey || event.ctrlKey || event.metaKey) return true;
  return event.clientX > cell.getBoundingClientRect().right - funnelPx;
}
