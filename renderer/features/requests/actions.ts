// What can be done on the Requests page by a key or from the palette, and the list's own keys for the `?` sheet.
import * as m from '../../i18n/compiled/messages.js';
import type { Action } from '../../state/actions.svelte.ts';
import type { RequestsPageModel } from '../../state/requests-page.svelte.ts';
import type { Panes } from './panes.svelte.ts';

function page(
  id: string,
  title: () => string,
  key: string,
  run: () => void,
  enabled?: () => boolean,
): Action {
  const action = { id: `requests.${id}`, title, group: 'page', keys: [key], run } as const;
  return enabled === undefined ? action : { ...action, enabled };
}

function told(id: string, title: () => string, keys: readonly string[]): Action {
  return { id: `requests.${id}`, title, group: 'page', keys, keysOnly: true, run: () => {} };
}

export function requestActions(model: RequestsPageModel, panes: Panes): Action[] {
  const { detail, comparison, list } = model;
  const open = () => detail.id !== null;
  const marked = () => open() && comparison.markedId !== null && comparison.markedId !== detail.id;
  return [
    page('filter', m.requests_action_filter, '/', () => panes.focusFilter()),
    page('next', m.requests_action_next, 'j', () => model.step(1)),
    page('previous', m.requests_action_previous, 'k', () => model.step(-1)),
    page('live', m.requests_action_live, 'l', () => (list.paused ? list.resume() : list.pause())),
    page('pin', m.requests_action_pin, 'p', () => void detail.pin(detail.row?.pinned !== true), open),
    page('note', m.requests_action_note, 'n', () => (panes.tab = 'note'), open),
    page('mark', m.requests_action_mark, 'x', () => comparison.mark(detail.id), open),
    page(
      'compare',
      m.requests_action_compare,
      'c',
      () => void comparison.compareWith(detail.id ?? 0),
      marked,
    ),
    page('export', m.requests_action_export, 'e', () => (model.exports.open = true)),
    page('views', m.requests_action_views, 'v', () => (panes.viewsOpen = true)),
    page('chart', m.requests_action_chart, 't', () => model.chart.toggle()),
    told('move', m.requests_action_move, ['up', 'down', 'pageup', 'pagedown', 'home', 'end']),
    told('open', m.requests_action_open, ['enter']),
    told('back', m.requests_action_back, ['escape']),
    told('history', m.requests_action_history, ['up', 'down']),
    told('complete', m.requests_action_complete, ['tab']),
  ];
}
