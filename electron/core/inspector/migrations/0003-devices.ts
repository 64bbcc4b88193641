// The third form of the request log: what a row tells of a device session. Never edit a migration that has been
// released: add the next one.

/** `session_kind` is `device`, or null: a TLS session, or none, as `e2ee_used` says. */
export const sql = `
  ALTER TABLE requests ADD COLUMN session_kind TEXT;
  ALTER TABLE requests ADD COLUMN device_fingerprint TEXT;
  ALTER TABLE requests ADD COLUMN oidc_issuer TEXT;
  ALTER TABLE requests ADD COLUMN oidc_subject TEXT;
  ALTER TABLE requests ADD COLUMN request_counter INTEGER;
`;
