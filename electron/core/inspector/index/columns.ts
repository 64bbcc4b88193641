// Which columns of a request the index holds, and how they are read from the database, as bare arrays. The order of
// the SQL's columns and of the names here is one and the same.

export const numberColumns = ['sentAt', 'duration', 'read', 'written'] as const;
export type NumberColumn = (typeof numberColumns)[number];

export const wordColumns = [
  'rpc',
  'status',
  'client',
  'user',
  'token',
  'session',
  'domain',
  'by',
  'tls',
  'cipher',
  'fingerprint',
  'error',
  'device',
] as const;
export type WordColumn = (typeof wordColumns)[number];

/** Bits of a row's flags. `live` is missing in a row that was deleted. */
export const flag = {
  h2: 1,
  e2ee: 2,
  verified: 4,
  pinned: 8,
  noted: 16,
  captured: 32,
  hasMessage: 64,
  live: 128,
} as const;

/** Any of these: full-text search has to look the row up. */
export const freeTextFlags = flag.noted | flag.captured | flag.hasMessage;

export type IndexRow = readonly [
  id: number,
  flags: number,
  sentAt: number | null,
  duration: number | null,
  read: number | null,
  written: number | null,
  ...words: (string | null)[],
];

/** Where the words of a row begin. */
export const firstWord = 2 + numberColumns.length;

export const selectIndexRow = `
  SELECT id,
    ${flag.live} | (h2_multiplexing_used * ${flag.h2}) | (e2ee_used * ${flag.e2ee})
      | (session_verified * ${flag.verified}) | (pinned * ${flag.pinned})
      | ((note IS NOT NULL) * ${flag.noted}) | (captured * ${flag.captured})
      | ((rejection_message IS NOT NULL) * ${flag.hasMessage}),
    sent_at, duration_ms, bytes_read, bytes_written,
    rpc_name, status, client_id, remote_user, token_id, session_id, domain_name, verified_by, tls_version, cipher,
    sha256_hash_hexdigest, error_code, device_fingerprint
  FROM requests`;
