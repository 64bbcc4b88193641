// How the lists read their pages: from the window's fetches to the service's calls. Must hold no state.
import type { AuditView, RequestSort, RequestView } from '../../shared/contracts/console/models.ts';
import type { ConsoleClient } from '../api/client.ts';
import type { ReadRows } from './requests-page-reader.ts';

type Caller = Pick<ConsoleClient, 'call'>;

export function readRequests(client: Caller, filter: string, sort: RequestSort): ReadRows<RequestView> {
  return (fetch, limit, signal) => {
    const page = (cursor: string | null, backwards: boolean) =>
      client.call('requests.page', { filter, sort, cursor, backwards, limit }, { signal });
    const at = (id: number) => client.call('requests.pageAt', { filter, sort, id, limit }, { signal });
    switch (fetch.kind) {
      case 'head':
        return page(null, false);
      case 'end':
        return page(null, true);
      case 'near':
        return client.call('requests.pageNear', { filter, sort, share: fetch.share, limit }, { signal });
      case 'at':
      case 'refresh':
        return at(fetch.id);
      case 'after':
      case 'before':
        return fetch.cursor === null ? at(fetch.id) : page(fetch.cursor, fetch.kind === 'before');
    }
  };
}

/** The audit log has pages in one direction alone: whatever is not a continuation begins at the newest row. */
export function readAudit(client: Caller, filter: string): ReadRows<AuditView> {
  return async (fetch, limit, signal) => {
    const cursor = fetch.kind === 'after' ? fetch.cursor : null;
    const page = await client.call('audit.page', { filter, cursor, limit }, { signal });
    return { ...page, previous: null };
  };
}
