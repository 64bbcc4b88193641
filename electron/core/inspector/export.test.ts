// Exports: exactly the rows of the filter in their order, in three formats that other programs read.
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { ExportFormat } from '../../../shared/contracts/console/models.ts';
import { csvRow } from './export/csv.ts';
import { recordNames } from './export/record.ts';
import type { RecordValue } from './export/record.ts';
import type { Inspector } from './inspector.ts';
import type { ExportQuery } from './inspector-api.ts';
import type { RequestLog } from './request-log.ts';
import { allRows, fillSampleLog, newestFirst, openSampleInspector, query } from './sample-inspector.ts';
import { openSampleLog, releaseSamples, sampleOutcome, sampleRow, temporaryFolder } from './sample-rows.ts';

afterEach(releaseSamples);

async function filled(count: number): Promise<{ log: RequestLog; inspector: Inspector }> {
  const log = await openSampleLog(join(temporaryFolder(), 'log.db'));
  await fillSampleLog(log, count);
  return { log, inspector: await openSampleInspector(log) };
}

async function text(
  inspector: Inspector,
  more: Partial<ExportQuery> & { format: ExportFormat },
): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const { bytes } of inspector.export({ filter: '', sort: newestFirst, ...more }))
    parts.push(bytes);
  return Buffer.concat(parts).toString('utf8');
}

/** A reader of RFC 4180, by its grammar. */
function readCsv(csv: string): string[][] {
  const rows: string[][] = [[]];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/gy;
  for (let match = cell.exec(csv); match !== null && cell.lastIndex <= csv.length; match = cell.exec(csv)) {
    rows.at(-1)!.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '\r\n') rows.push([]);
    if (cell.lastIndex === csv.length) break;
  }
  expect(rows.pop()).toEqual([]);
  return rows;
}

interface Har {
  readonly log: { readonly version: string; readonly entries: readonly HarEntry[] };
}

interface HarEntry {
  readonly startedDateTime: string;
  readonly time: number;
  readonly request: { readonly url: string; readonly postData?: Record<string, unknown> };
  readonly response: { readonly status: number; readonly content: Record<string, unknown> };
  readonly timings: Record<string, number>;
  readonly _gatehouse: { readonly id: number };
}

describe('an export', () => {
  const queries = [
    { filter: '', sort: newestFirst },
    { filter: '-status:ok rpc:ping,http', sort: { key: 'duration', descending: false } },
    { filter: 'client:nobody', sort: newestFirst },
  ] as const;

  it.each(queries)('has exactly the rows of its filter in its order: %j', async (asked) => {
    const { inspector } = await filled(2500);
    const ids = (await allRows(inspector, query({ ...asked, limit: 500 }))).map(({ id }) => id);
    const lines = (await text(inspector, { ...asked, format: 'ndjson' })).split('\n');
    expect(lines.pop()).toBe('');
    expect(lines.map((line) => (JSON.parse(line) as { id: number }).id)).toEqual(ids);
    const [names, ...rows] = readCsv(await text(inspector, { ...asked, format: 'csv' }));
    expect(names).toEqual(recordNames);
    expect(rows.map(([id]) => Number(id))).toEqual(ids);
    const har = JSON.parse(await text(inspector, { ...asked, format: 'har' })) as Har;
    expect(har.log.version).toBe('1.2');
    expect(har.log.entries.map((entry) => entry._gatehouse.id)).toEqual(ids);
  });

  it('has the same members in its lines as in its head', async () => {
    const { inspector } = await filled(20);
    const [line = ''] = (await text(inspector, { format: 'ndjson' })).split('\n');
    expect(Object.keys(JSON.parse(line) as object)).toEqual(recordNames);
  });

  it('leaves out what came after it began, counts its rows, and ends when it is given up', async () => {
    const { log, inspector } = await filled(2500);
    const abort = new AbortController();
    const chunks = inspector.export({
      filter: '',
      sort: { key: 'time', descending: false },
      format: 'ndjson',
    });
    const rows: number[] = [];
    for await (const chunk of chunks) {
      rows.push(chunk.rows);
      const id = log.nextId();
      await log.begin(sampleRow(id));
    }
    expect(rows).toEqual([0, 1000, 2000, 2500, 2500]);
    const cut = inspector.export({ filter: '', sort: newestFirst, format: 'csv' }, abort.signal);
    const read = async () => {
      for await (const { rows: sofar } of cut) if (sofar > 0) abort.abort();
    };
    await expect(read()).rejects.toMatchObject({ code: 'cancelled' });
  });

  it.each([
    { filter: '', sort: { key: 'duration', descending: true } },
    { filter: '', sort: { key: 'duration', descending: false } },
    { filter: 'status:running', sort: { key: 'bytesRead', descending: false } },
    { filter: '-status:running', sort: { key: 'bytesRead', descending: true } },
    { filter: '-status:running', sort: newestFirst },
  ] as const)('has each row of its beginning once, whatever ends meanwhile: %j', async (asked) => {
    const { log, inspector } = await filled(2500);
    const ids = (await allRows(inspector, query({ ...asked, limit: 500 }))).map(({ id }) => id);
    const running = (await allRows(inspector, query({ filter: 'status:running' }))).map(({ id }) => id);
    const found: number[] = [];
    for await (const { bytes } of inspector.export({ ...asked, format: 'ndjson' })) {
      for (const line of Buffer.from(bytes).toString().split('\n').filter(Boolean)) {
        found.push((JSON.parse(line) as { id: number }).id);
      }
      for (const id of running.splice(0)) log.finish(id, { ...sampleOutcome, durationMs: 50, bytesRead: 5 });
      await log.flush();
    }
    expect(found).toEqual(ids);
  });

  it('fails before its first byte where the filter breaks the rules', async () => {
    const { inspector } = await filled(1);
    const chunks = inspector.export({ filter: 'x:', sort: newestFirst, format: 'har' });
    const first = chunks[Symbol.asyncIterator]().next();
    await expect(first).rejects.toMatchObject({ code: 'filter_invalid' });
  });

  it('has payloads and times in HAR as the format wants them', async () => {
    const log = await openSampleLog(join(temporaryFolder(), 'log.db'));
    const inspector = await openSampleInspector(log);
    const id = log.nextId();
    const timing = { queueMs: 1, handshakeMs: 2, verificationMs: 3, handlerMs: 4, transferMs: 5 };
    await log.begin(sampleRow(id, { rpcName: 'a b/\ud800' }));
    log.finish(id, { ...sampleOutcome, durationMs: 10, timing });
    const common = { totalBytes: 9, truncated: true, redactions: 1 };
    log.capture(id, {
      ...common,
      direction: 'request',
      contentType: 'text/plain',
      text: '{"a":1}',
      base64: null,
    });
    log.capture(id, { ...common, direction: 'answer', contentType: 'image/png', text: null, base64: '/w==' });
    await log.flush();
    const { log: har } = JSON.parse(await text(inspector, { format: 'har' })) as Har;
    const [entry] = har.entries;
    const { request, response, timings, time } = entry!;
    expect(request).toMatchObject({
      url: 'https://abcd-efgh-ijkl.invalid/rpc/a%20b%2F%EF%BF%BD',
      postData: { mimeType: 'text/plain', text: '{"a":1}', _truncated: true, _redactions: 1, _totalBytes: 9 },
    });
    expect(response).toMatchObject({
      status: 200,
      content: { mimeType: 'image/png', text: '/w==', encoding: 'base64' },
    });
    expect(timings).toEqual({ blocked: 1, dns: -1, connect: 5, ssl: 5, send: 0, wait: 4, receive: 5 });
    expect(time).toBe(15);
  });
});

describe('csvRow', () => {
  const cells: [RecordValue, string][] = [
    [null, ''],
    [true, 'true'],
    [-1.5, '-1.5'],
    ['plain', 'plain'],
    ['a,b', '"a,b"'],
    ['say "x"', '"say ""x"""'],
    ['two\r\nlines', '"two\r\nlines"'],
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t=1"],
    ['\r=1', `"'\r=1"`],
    ['\uff1d1', "'\uff1d1"],
    ['=HYPERLINK("http://x","y")', `"'=HYPERLINK(""http://x"",""y"")"`],
  ];
  it.each(cells)('writes %j as %j', (value, written) => {
    expect(csvRow([value])).toBe(`${written}\r\n`);
  });

  it('is read back whole by a reader of RFC 4180', () => {
    const value = fc.string({ unit: 'binary', maxLength: 20 }).map((words) => `x${words}`);
    fc.assert(
      fc.property(fc.array(fc.array(value, { minLength: 2, maxLength: 2 }), { minLength: 1 }), (rows) => {
        expect(readCsv(rows.map((row) => csvRow(row)).join(''))).toEqual(rows);
      }),
    );
  });
});
