// The queries of the inspector's bench, in groups that have a target each: first rows of any filter, full text, pages
// anywhere. Each round asks for other values.
import type { RequestSort, SortKey } from '../../../../shared/contracts/console/models.ts';
import type { Inspector } from '../inspector.ts';

export interface QueryCase {
  readonly name: string;
  readonly ask: () => Promise<unknown>;
}

const sortKeys: readonly SortKey[] = ['time', 'duration', 'bytesRead', 'bytesWritten'];
const newest: RequestSort = { key: 'time', descending: true };

function filters(round: number): string[] {
  const number = 17 + round * 31;
  return [
    '',
    'rpc:ping',
    'rpc:rare',
    'rpc:nothing',
    `client:client-${number}@example.com`,
    `client:client-${number}*`,
    `client:client-${4990 + round}@example.com user:user7`,
    'client:nobody',
    `user:user${number} -status:ok`,
    `session:s-${number}`,
    'session:s-9*',
    '-status:ok',
    '-status:ok -rpc:ping,echo,http,tcp',
    'status:interrupted',
    'error:rpc_failed,timeout dur>100ms',
    'e2ee:no verified:yes',
    'e2ee:no h2:no domain:test',
    '-e2ee:yes -by:none',
    `dur>${1000 + round}ms rpc:documents`,
    'dur<0.2ms',
    'read>990KB written>9MB',
    'since:2026-09-22 until:2026-09-23 status:failed',
    'since:2030-01-01',
    `id:${number},${number * 1000}`,
    'pinned:yes',
    'rpc:ping -status:ok e2ee:no client:client-1* since:2026-09-21 dur>200ms',
  ];
}

function texts(round: number): string[] {
  const client = `client-${100 + round}`;
  return [
    '"rpc failed"',
    client,
    `"${client} example com"`,
    'nothingatall',
    '-ping timeout',
    `user${round} truncated`,
  ];
}

export function queryCases(inspector: Inspector, round: number): QueryCase[] {
  const page = { cursor: null, backwards: false, limit: 100 } as const;
  const ofFilter = filters(round).flatMap((filter) => [
    { name: 'first rows of a filter', ask: () => inspector.page({ ...page, filter, sort: newest }) },
    { name: 'count of a filter', ask: () => inspector.count(filter) },
  ]);
  const ofText = texts(round).map((filter) => ({
    name: 'first rows of a full-text search',
    ask: () => inspector.page({ ...page, filter, sort: newest }),
  }));
  const charts = ['', '-status:ok'].map((filter) => ({
    name: 'chart',
    ask: () => inspector.chart({ filter, from: null, to: null, buckets: 200 }),
  }));
  const complete = { field: 'client', prefix: `client-${round}`, limit: 20 };
  return [
    ...ofFilter,
    ...ofText,
    ...pagesAnywhere(inspector, round),
    ...charts,
    { name: 'completion', ask: () => inspector.complete(complete) },
    { name: 'detail', ask: () => inspector.detail(1 + round * 1000) },
  ];
}

/** By the scroll bar, by id, and from page to page in both directions. */
function pagesAnywhere(inspector: Inspector, round: number): QueryCase[] {
  return sortKeys.flatMap((key) => {
    const group = key === 'time' ? 'page anywhere, by time' : 'page anywhere, by another key';
    const asked = { filter: round % 2 === 0 ? '' : 'rpc:ping', sort: { key, descending: true }, limit: 100 };
    let [next, previous]: (string | null)[] = [null, null];
    const near = async () => {
      const found = await inspector.pageNear({ ...asked, share: (round + 0.5) / 5 });
      [next, previous] = [found.next, found.previous];
    };
    return [
      { name: `${group}, scroll bar`, ask: near },
      { name: group, ask: () => inspector.page({ ...asked, cursor: next ?? null, backwards: false }) },
      { name: group, ask: () => inspector.page({ ...asked, cursor: previous ?? null, backwards: true }) },
      { name: `${group}, about an id`, ask: () => inspector.pageAt({ ...asked, id: 5000 + round * 777 }) },
    ];
  });
}
