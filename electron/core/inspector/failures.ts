// Turns what SQLite and the file system report into the sentence that an administrator needs: what failed,
// where, and what to do. Must never pass on row contents: only SQLite's code and the path are named.
import { GatehouseError } from '../../../shared/contracts/errors.ts';

const resumes = 'The service refuses work until then, and goes on by itself afterwards.';

/** `error` from SQLite as `log_unavailable` or `log_corrupt`, with the code as `sqliteCode` in its details. */
export function describeFailure(error: unknown, file: string): GatehouseError {
  if (error instanceof GatehouseError) return error;
  const sqliteCode = codeOf(error);
  const [code, sentence] = explain(sqliteCode, file);
  return new GatehouseError(code, sentence, { cause: error, details: { sqliteCode, file } });
}

/** As SQLite reports it, for who finds the disk full without SQLite. */
export function diskFull(): Error {
  return Object.assign(new Error('The disk is full.'), { code: 'SQLITE_FULL' });
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unknown';
}

function explain(sqliteCode: string, file: string): ['log_unavailable' | 'log_corrupt', string] {
  const cannot = `The request log ${file} cannot be written`;
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(sqliteCode)) return ['log_corrupt', damaged(file, sqliteCode)];
  if (/^SQLITE_FULL|^ENOSPC|^EDQUOT/.test(sqliteCode)) {
    return ['log_unavailable', `${cannot}: the disk is full. Free some space there. ${resumes}`];
  }
  if (/^SQLITE_(BUSY|LOCKED)/.test(sqliteCode)) {
    return ['log_unavailable', `${cannot}: another program holds it locked. End that program. ${resumes}`];
  }
  if (/^SQLITE_(READONLY|CANTOPEN|PERM|AUTH)|^E(ACCES|PERM|ROFS|NOENT)/.test(sqliteCode)) {
    const advice = 'Make the file and its folder writable for the user that runs the service.';
    return [
      'log_unavailable',
      `${cannot}: it is read-only or out of reach (${sqliteCode}). ${advice} ${resumes}`,
    ];
  }
  const advice = 'Check the disk, its free space and the system log.';
  return ['log_unavailable', `${cannot} (${sqliteCode}). ${advice} ${resumes}`];
}

function damaged(file: string, sqliteCode: string): string {
  return (
    `The request log ${file} is damaged (${sqliteCode}) and was left as it is. Stop the service, move the ` +
    'file with its -wal and -shm neighbours to another folder, keep them for recovery ' +
    '(sqlite3 FILE .recover), and start again: a new log is made.'
  );
}
