// What the keyboard and the palette can do on the documents page.
import CircleX from '@lucide/svelte/icons/circle-x';
import FolderPlus from '@lucide/svelte/icons/folder-plus';
import RefreshCw from '@lucide/svelte/icons/refresh-cw';
import * as m from '../../i18n/compiled/messages.js';
import type { Action } from '../../state/actions.svelte.ts';
import type { ConsoleModel } from '../../state/console.svelte.ts';
import type { DocumentsState, DocumentTab } from '../../state/documents.svelte.ts';

interface Does {
  readonly publish: () => void;
  readonly search: () => void;
}

export function documentActions(console: ConsoleModel, documents: DocumentsState, does: Does): Action[] {
  return [...pageActions(console, documents, does), ...collectionActions(console, documents)];
}

const page = (facts: Omit<Action, 'group'>): Action => ({ group: 'page', ...facts });

function pageActions(console: ConsoleModel, documents: DocumentsState, does: Does): Action[] {
  const show = (id: DocumentTab, title: () => string, key: string): Action =>
    page({ id: `documents.show_${id}`, title, keys: [key], run: () => (documents.tab = id) });
  return [
    show('collections', m.documents_key_tab_collections, '1'),
    show('fetches', m.documents_key_tab_fetches, '2'),
    page({
      id: 'documents.publish',
      title: m.documents_key_publish,
      keys: ['n'],
      icon: FolderPlus,
      run: does.publish,
      enabled: () => !console.offline,
    }),
    page({ id: 'documents.search', title: m.documents_key_search, keys: ['/'], run: does.search }),
  ];
}

/** What can be done with the chosen collection and its documents. */
function collectionActions(console: ConsoleModel, documents: DocumentsState): Action[] {
  const online = (): boolean => !console.offline;
  const chosen = (): boolean => documents.tab === 'collections' && documents.collection !== null;
  const step = (id: string, title: () => string, keys: string[], run: () => void): Action =>
    page({ id: `documents.${id}`, title, keys, run, enabled: chosen });
  return [
    step('down', m.documents_key_down, ['j', 'down'], () => documents.move(1)),
    step('up', m.documents_key_up, ['k', 'up'], () => documents.move(-1)),
    step('next', m.documents_key_next_collection, ['shift+j'], () => documents.moveCollection(1)),
    step('previous', m.documents_key_previous_collection, ['shift+k'], () => documents.moveCollection(-1)),
    page({
      id: 'documents.reload',
      title: m.documents_key_reload,
      keys: ['r'],
      icon: RefreshCw,
      run: () => void documents.documents.load({ keep: true }),
      enabled: () => online() && chosen(),
    }),
    page({
      id: 'documents.remove',
      title: m.documents_key_remove,
      keys: ['delete'],
      icon: CircleX,
      run: () => {
        if (documents.collection !== null) documents.askToRemove(documents.collection);
      },
      enabled: () => online() && chosen(),
    }),
    page({
      id: 'documents.close',
      title: m.documents_key_close,
      keys: ['escape'],
      run: () => documents.open(null),
      enabled: () => documents.detail !== null && documents.removing === null,
    }),
  ];
}
