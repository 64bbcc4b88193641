// The second form of the request log: what the console shows beside the rows. Never edit a migration that has been
// released: add the next one.

/** The audit log keeps at least this many of its newest rows, whatever its retention is told. */
const auditKeptRows = 1000;

/**
 * `texts` is the full-text index of what strangers and administrators wrote in free words; the short columns of
 * `requests` are searched without it. Its rowid is the request's id × 4 + 0 for the rejection's message, 1 for the
 * note, 2 and 3 for the captured request and answer.
 *
 * `audit` is append-only: rows are neither changed nor replaced, and go only below `audit_floor`, which ascends and
 * stays behind the newest rows.
 */
export const sql = `
  ALTER TABLE requests ADD COLUMN queue_ms REAL;
  ALTER TABLE requests ADD COLUMN handshake_ms REAL;
  ALTER TABLE requests ADD COLUMN verification_ms REAL;
  ALTER TABLE requests ADD COLUMN handler_ms REAL;
  ALTER TABLE requests ADD COLUMN transfer_ms REAL;
  ALTER TABLE requests ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE requests ADD COLUMN note TEXT;
  ALTER TABLE requests ADD COLUMN captured INTEGER NOT NULL DEFAULT 0;

  CREATE INDEX requests_kept ON requests (id) WHERE pinned = 1 OR note IS NOT NULL;

  CREATE TABLE payloads (
    request_id INTEGER NOT NULL,
    direction TEXT NOT NULL,
    content_type TEXT NOT NULL,
    body BLOB NOT NULL,
    total_bytes INTEGER NOT NULL,
    truncated INTEGER NOT NULL,
    redactions INTEGER NOT NULL,
    indexed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (request_id, direction)
  ) STRICT;

  CREATE INDEX payloads_unindexed ON payloads (request_id) WHERE indexed = 0;

  CREATE VIRTUAL TABLE texts USING fts5 (
    text, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
  );

  INSERT INTO texts (rowid, text)
    SELECT id * 4, rejection_message FROM requests WHERE rejection_message IS NOT NULL;

  CREATE TRIGGER requests_deleted AFTER DELETE ON requests
    WHEN OLD.rejection_message IS NOT NULL OR OLD.note IS NOT NULL OR OLD.captured = 1
    BEGIN
      DELETE FROM texts WHERE rowid BETWEEN OLD.id * 4 AND OLD.id * 4 + 3;
      DELETE FROM payloads WHERE request_id = OLD.id;
    END;

  CREATE TABLE saved_views (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    filter TEXT NOT NULL,
    sort_key TEXT NOT NULL,
    descending INTEGER NOT NULL,
    columns TEXT NOT NULL
  ) STRICT;

  CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    action TEXT NOT NULL,
    actor TEXT NOT NULL,
    subject TEXT NOT NULL,
    old TEXT,
    value TEXT,
    code TEXT,
    message TEXT
  ) STRICT;

  CREATE TABLE audit_floor (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    through_id INTEGER NOT NULL
  ) STRICT;
  INSERT INTO audit_floor VALUES (1, 0);

  CREATE TRIGGER audit_not_replaced BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_not_updated BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_not_deleted BEFORE DELETE ON audit
    WHEN OLD.id > coalesce((SELECT through_id FROM audit_floor), 0)
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_floor_ascends BEFORE UPDATE ON audit_floor
    WHEN NEW.through_id < OLD.through_id
      OR NEW.through_id > coalesce((SELECT max(id) FROM audit), 0) - ${auditKeptRows}
    BEGIN SELECT RAISE(ABORT, 'the audit log keeps its newest rows'); END;
  CREATE TRIGGER audit_floor_stays BEFORE DELETE ON audit_floor
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_floor_alone BEFORE INSERT ON audit_floor
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
`;
