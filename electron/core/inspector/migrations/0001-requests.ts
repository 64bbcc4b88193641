// The first form of the request log. Never edit a migration that has been released: add the next one.
// Column names are the seed's. `requests` has no index for queries yet: ingest comes first.

/**
 * Ids ascend in the order of arrival and never come back (retention keeps the newest row), so the primary
 * key serves newest-first reading and retention. `requests_running` holds running requests alone: it finds
 * those of a dead process without reading a million rows (0004 has something cheaper).
 */
export const sql = `
  CREATE TABLE certificates (
    sha256 TEXT PRIMARY KEY,
    pem TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE requests (
    id INTEGER PRIMARY KEY,
    status TEXT NOT NULL,
    rpc_name TEXT NOT NULL,
    client_id TEXT NOT NULL,
    service_id TEXT NOT NULL,
    domain_name TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    h2_multiplexing_used INTEGER NOT NULL,
    e2ee_used INTEGER NOT NULL,
    session_verified INTEGER NOT NULL,
    verified_by TEXT NOT NULL,
    tls_version TEXT,
    cipher TEXT,
    sha256_hash_hexdigest TEXT REFERENCES certificates (sha256),
    session_id TEXT,
    token_id TEXT,
    remote_user TEXT,
    duration_ms REAL,
    bytes_read INTEGER,
    bytes_written INTEGER,
    error_code TEXT,
    rejection_code TEXT,
    rejection_message TEXT
  ) STRICT;

  CREATE INDEX requests_running ON requests (id) WHERE status = 'RUNNING';
`;
