// The fourth form of the request log: what makes a row cheaper to write. Never edit a migration that has been
// released: add the next one.

/**
 * `running_mark` takes the place of `requests_running`, which every row entered at its begin and left at its end: no
 * row whose id is below the mark is running (running-mark.ts). `room` is blank from the begin of a row to its end, as
 * long as what the end will tell: an end that made its row longer would split the page that it lies in. SQLite checks
 * a whole STRICT table once that gets a column: about 3 s for a million rows.
 */
export const sql = `
  CREATE TABLE running_mark (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id INTEGER NOT NULL
  ) STRICT;
  INSERT INTO running_mark SELECT 1, coalesce(
    (SELECT min(id) FROM requests INDEXED BY requests_running WHERE status = 'RUNNING'),
    (SELECT max(id) + 1 FROM requests),
    1
  );
  DROP INDEX requests_running;
  ALTER TABLE requests ADD COLUMN room TEXT;
`;
