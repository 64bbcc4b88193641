// One part of an export: the next rows in the order and of the state that it began with, as text of its format. Made on
// the thread that reads. Must never hold more than a part, however long the export.
import type { ExportFormat, RequestSort } from '../../../../shared/contracts/console/models.ts';
import type { Place } from '../query/order.ts';
import type { ExportPlaces, ExportStart } from '../query/export-places.ts';
import type { RequestRows } from '../query/request-rows.ts';
import type { CheckCancelled } from '../query/scan.ts';
import { csvRow } from './csv.ts';
import { harEntry } from './har.ts';
import { flatRecord } from './record.ts';

/** Rows of a part, unless their text is longer first. */
const partRows = 1000;

/** UTF-16 units of text after which a part ends. */
const partLength = 1024 * 1024;

export interface ExportPartQuery {
  readonly filter: string;
  readonly sort: RequestSort;
  readonly format: ExportFormat;
  /** The newest id that belongs to the export. */
  readonly upTo: number;
  /** Where the part before ended, and how the export began; null for the first part. */
  readonly from: ExportPosition | null;
}

export interface ExportPosition {
  readonly start: ExportStart;
  readonly after: Place;
}

export interface ExportPart {
  readonly bytes: Uint8Array;
  readonly rows: number;
  /** Null behind the last row. */
  readonly next: ExportPosition | null;
}

export class ExportParts {
  readonly #places: ExportPlaces;
  readonly #rows: RequestRows;

  constructor(places: ExportPlaces, rows: RequestRows) {
    this.#places = places;
    this.#rows = rows;
  }

  /** @param now the time from which ages in the filter count: the same for all parts */
  next(query: ExportPartQuery, now: number, check: CheckCancelled): ExportPart {
    const { filter, sort, upTo, from } = query;
    const start = from?.start ?? this.#places.start(filter, upTo, now, check);
    const step = { filter, sort, after: from?.after ?? null, limit: partRows };
    const places = this.#places.next(step, start, now, check);
    const texts: string[] = [];
    let length = 0;
    let last: Place | null = null;
    for (const place of places) {
      if (length > partLength) break;
      const text = this.#text(place.id, query.format);
      last = place;
      if (text === null) continue;
      texts.push(text);
      length += text.length;
    }
    const ended = last === places.at(-1) && places.length < partRows;
    const text = texts.join(query.format === 'har' ? ',\n' : '');
    const next = last === null || ended ? null : { start, after: last };
    return { bytes: Buffer.from(text), rows: texts.length, next };
  }

  /** Null where retention has taken the row in between. */
  #text(id: number, format: ExportFormat): string | null {
    const request = this.#rows.find(id);
    if (request === null) return null;
    if (format === 'har') return JSON.stringify(harEntry(request));
    const record = flatRecord(request);
    return format === 'csv' ? csvRow(Object.values(record)) : `${JSON.stringify(record)}\n`;
  }
}
