// An export as a stream of bytes: what stands around the rows, and the parts between, one asked for after the other, so
// that a slow reader slows it and nothing gathers. What came after it began is not in it.
import type { ExportFormat } from '../../../../shared/contracts/console/models.ts';
import type { ExportChunk, ExportQuery } from '../inspector-api.ts';
import { csvRow } from './csv.ts';
import type { ExportPart, ExportPartQuery } from './export-part.ts';
import { harEnd, harStart } from './har.ts';
import { recordNames } from './record.ts';

const starts: Readonly<Record<ExportFormat, string>> = {
  har: harStart,
  csv: csvRow(recordNames),
  ndjson: '',
};
const ends: Readonly<Record<ExportFormat, string>> = { har: harEnd, csv: '', ndjson: '' };

/** `rows` of a chunk counts those of all chunks so far. */
export async function* exportStream(
  { filter, sort, format }: ExportQuery,
  upTo: number,
  next: (query: ExportPartQuery) => Promise<ExportPart>,
): AsyncGenerator<ExportChunk> {
  let rows = 0;
  // The first part first: a filter that does not parse fails before any byte.
  let part = await next({ filter, sort, format, upTo, from: null });
  yield { bytes: Buffer.from(starts[format]), rows };
  for (;;) {
    const separator = format === 'har' && rows > 0 && part.rows > 0 ? ',\n' : '';
    rows += part.rows;
    if (part.rows > 0) yield { bytes: Buffer.concat([Buffer.from(separator), part.bytes]), rows };
    if (part.next === null) break;
    part = await next({ filter, sort, format, upTo, from: part.next });
  }
  yield { bytes: Buffer.from(ends[format]), rows };
}
