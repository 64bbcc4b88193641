// Fills the request log of a data folder whose service does not run with rows as a busy service would have them, the last
// one just now. Usage: node fill.ts DATA_FOLDER ROWS; prints one line of JSON. Must never touch a log that is in use.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../database.ts';
import { encodeBegin, encodeFinish } from '../rows.ts';
import type { Operation } from '../rows.ts';
import { Writer } from '../writer.ts';
import { benchOutcome, benchRow, everyMs } from './generate.ts';

/** Rows of a transaction. */
const stepRows = 2048;

const lockWaitMs = 250;

function fill(folder: string, rows: number): { readonly firstId: number; readonly lastId: number } {
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
  const db = openDatabase({ file: join(folder, 'requests.db'), lockWaitMs, interruptRunning: true });
  try {
    const writer = new Writer(db);
    const firstId = writer.maxId() + 1;
    const lastId = firstId + rows - 1;
    const firstSentAt = Date.now() - lastId * everyMs;
    const stored = new Set<string>();
    for (let id = firstId; id <= lastId; id += stepRows) {
      const operations: Operation[] = [];
      for (let each = id; each < id + stepRows && each <= lastId; each += 1) {
        const row = benchRow(each, firstSentAt);
        operations.push(encodeBegin(row, stored), encodeFinish(each, benchOutcome(each)));
        if (row.certificate !== null) stored.add(row.certificate.sha256);
      }
      writer.write(operations);
    }
    return { firstId, lastId };
  } finally {
    db.close();
  }
}

const [dataFolder = '.', rows = '1000000'] = process.argv.slice(2);
process.stdout.write(`${JSON.stringify(fill(join(dataFolder, 'requests'), Number(rows)))}\n`);
