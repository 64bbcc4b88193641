// Measures the inspector over a log of many rows, in one process as in the service: ingest through the real request log,
// the time until a begin is answered, and the queries of the console. Prints one line of JSON.
// Usage: node measure.ts FOLDER ROWS
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Inspector } from '../inspector.ts';
import { openRequestLog } from '../request-log.ts';
import type { RequestLog } from '../request-log.ts';
import { benchOutcome, benchRow } from './generate.ts';
import { queryCases } from './query-cases.ts';

/** Begins under way at a time while rows are made. */
const lanes = 512;

/** Times that each query is asked. */
const rounds = 5;

/** Requests measured one after the other, and in the live tail. */
const begins = 2000;
const tailSeconds = 3;
const tailPerSecond = 10_000;
/** What a person sees who opens the page: the index has sorted what it sorts where nobody asks, in milliseconds. */
const sortingMs = 6_000;

export interface Figure {
  readonly name: string;
  readonly unit: 'ms' | 'us' | 'rows/s' | 'MiB' | 'share';
  readonly p50: number;
  readonly p95: number;
  readonly samples: number;
}

function figure(name: string, unit: Figure['unit'], values: readonly number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? NaN;
  return { name, unit, p50: at(0.5), p95: at(0.95), samples: values.length };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Rows a second, each begun and ended, and the CPU time of the whole process that a row takes. */
async function ingest(log: RequestLog, name: string, rows: number): Promise<Figure[]> {
  const before = process.cpuUsage();
  let left = rows;
  const lane = async () => {
    while (left-- > 0) {
      const id = log.nextId();
      await log.begin(benchRow(id));
      log.finish(id, benchOutcome(id));
    }
  };
  const ms = await timed(async () => {
    await Promise.all(Array.from({ length: lanes }, lane));
    await log.flush();
  });
  const { user, system } = process.cpuUsage(before);
  return [
    figure(name, 'rows/s', [(rows / ms) * 1000]),
    figure(`${name}, CPU of the process a row`, 'us', [(user + system) / rows]),
  ];
}

async function answerTimes(log: RequestLog): Promise<number[]> {
  const times: number[] = [];
  for (let count = 0; count < begins; count += 1) {
    const id = log.nextId();
    times.push(await timed(() => log.begin(benchRow(id))));
    log.finish(id, benchOutcome(id));
  }
  return times;
}

/** By the clock, and as CPU time of the whole process: the latter tells the same story on a machine that is busy. */
async function queryFigures(inspector: Inspector): Promise<Figure[]> {
  const times = new Map<string, number[]>();
  const add = (name: string, ms: number) => times.set(name, [...(times.get(name) ?? []), ms]);
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, ask } of queryCases(inspector, round)) {
      const before = process.cpuUsage();
      add(name, await timed(ask));
      const { user, system } = process.cpuUsage(before);
      add(`${name}, CPU`, (user + system) / 1000);
    }
  }
  return [...times].map(([name, values]) => figure(name, 'ms', values));
}

/** How busy the main thread is at the rate of the live tail, and how long the page waits for a change. */
async function tail(log: RequestLog): Promise<number> {
  const before = performance.eventLoopUtilization();
  for (const end = performance.now() + tailSeconds * 1000; performance.now() < end;) {
    for (let count = 0; count < tailPerSecond / 100; count += 1) {
      const id = log.nextId();
      void log.begin(benchRow(id));
      log.finish(id, benchOutcome(id));
    }
    await sleep(10);
  }
  const { utilization } = performance.eventLoopUtilization(before);
  await log.flush();
  return utilization;
}

async function measure(folder: string, rows: number): Promise<Figure[]> {
  const log = await openRequestLog({
    file: join(folder, 'requests.db'),
    retentionDays: 3650,
    maxSizeMb: 65_536,
  });
  const figures: Figure[] = [];
  const add = (name: string, unit: Figure['unit'], values: readonly number[]) => {
    figures.push(figure(name, unit, values));
  };
  figures.push(...(await ingest(log, 'ingest', rows)));
  add('begin, one at a time, no inspector', 'ms', await answerTimes(log));
  add('main thread busy at 10,000 rows/s, no inspector', 'share', [await tail(log)]);
  const opening = performance.now();
  const inspector = await Inspector.open({ log });
  const first = {
    filter: '',
    sort: { key: 'time', descending: true },
    cursor: null,
    backwards: false,
    limit: 100,
  } as const;
  await inspector.page(first);
  add('first page after opening', 'ms', [performance.now() - opening]);
  await inspector.count('client:nobody');
  add('all rows in memory after opening', 'ms', [performance.now() - opening]);
  await sleep(sortingMs);
  figures.push(...(await queryFigures(inspector)));
  add('begin, one at a time, with the inspector', 'ms', await answerTimes(log));
  const stop = inspector.onChange(() => {});
  add('main thread busy at 10,000 rows/s, with the inspector', 'share', [await tail(log)]);
  stop();
  figures.push(...(await ingest(log, 'ingest, with the inspector', Math.ceil(rows / 10))));
  add('memory of the process', 'MiB', [process.memoryUsage().rss / 2 ** 20]);
  await inspector.close();
  await log.close();
  return figures;
}

const [folder = '.', rows = '1000000'] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(await measure(folder, Number(rows)))}\n`);
