// The one error type of Gatehouse and every code that it may carry.
// A code is stable: programs branch on it, never on a message. A message tells a person what
// happened and what to do next, and never holds a secret. This file imports nothing.

/** Every code, with what it means in a line (the manual is made from these lines). */
export const errorCodes = {
  // usage and input
  usage: 'The command or call was given something it does not take.',
  fingerprint_invalid: 'The text is no SHA-256 fingerprint.',
  fingerprint_required: 'An access token was given without the fingerprint that protects it.',
  settings_invalid: 'A setting has no such name, or does not take that value.',

  // end-to-end encryption and session verification
  fingerprint_mismatch: 'The certificate offered is not the one whose fingerprint was given.',
  access_token_required: 'The service answers verified sessions only, and no access token was given.',
  access_token_malformed: 'The text is no Gatehouse access token.',
  access_token_rejected: 'The service does not accept this access token.',
  service_not_verified: 'The service could not prove that it knows the access token.',
  verification_failed: 'The session verification exchange was not followed.',
  too_many_attempts: 'Too many verification attempts are under way for this client.',
  e2ee_required: 'The service answers this call through end-to-end encryption only.',
  e2ee_unavailable: 'End-to-end encryption was asked for and the service does not offer it.',
  e2ee_handshake_failed: 'The TLS handshake with the service failed.',
  version_unsupported: 'The service speaks no protocol version that this client speaks.',
  downgrade_detected: 'What the relay said the service can do differs from what the service says.',

  // reaching things
  relay_unreachable: 'The relay cannot be reached.',
  relay_protocol: 'The other end does not speak the relay protocol as it should.',
  service_offline: 'No such service is connected to the relay.',
  not_authorised: 'The credentials do not allow this.',
  service_id_taken: 'Another key is already enrolled under this service id.',
  relay_url_mismatch: 'The proof was made for another relay URL.',
  service_replaced: 'The same service connected again and took this connection over.',

  // requests
  truncated: 'A body ended before its end.',
  timeout: 'No answer came within the time allowed.',
  cancelled: 'The caller cancelled the request.',
  session_ended: 'The session ended while the request was under way.',
  rpc_unknown: 'The service has no RPC of this name.',
  rpc_bad_request: 'The arguments are not of the form that this RPC takes.',
  rpc_too_large: 'The request is larger than its limit.',
  rpc_failed: 'The RPC failed at the service.',
  log_unavailable: 'The request log cannot be written, so the service does no work.',
  log_corrupt: 'The request log is damaged and was left as it is.',
  log_newer_version: 'The request log was written by a newer Gatehouse and was left as it is.',
  shutting_down: 'The program is stopping and takes no new work.',
  limit_exceeded: 'A limit on connections, sessions or streams has been reached.',

  // device sessions and their HTTPS API
  api_version_unsupported: 'The API has no such version.',
  http_header_missing: 'A header that this call needs is missing or malformed.',
  content_type_unsupported: 'The body has a content type that this call does not take.',
  body_too_large: 'The body is larger than this call takes.',
  body_malformed: 'The body is not of the form that this call takes.',
  oidc_token_required: 'This call needs an OpenID Connect access token.',
  oidc_token_rejected: 'The OpenID Connect access token is not accepted.',
  oidc_unavailable: 'The OpenID Connect issuer cannot be asked for its keys.',
  oidc_not_configured: 'No OpenID Connect issuer is configured.',
  oidc_login_failed: 'Signing in at the OpenID Connect issuer failed.',
  device_corrupt: 'The file of a device cannot be read.',
  device_unknown: 'No device with this fingerprint is registered for this user.',
  device_pending: 'The administrator has not confirmed this device yet.',
  device_revoked: 'The device has been revoked.',
  device_exists: 'The device is registered already.',
  device_limit: 'Too many devices wait to be confirmed.',
  device_key_invalid: 'The public key of the device is no point on P-256, or not its fingerprint’s.',
  device_start_invalid: 'The start of a device session does not verify.',
  device_start_replayed: 'The start of a device session was used before.',
  device_keys_missing: 'The key store has no usable key of this name.',
  registration_code_invalid: 'The registration code is wrong, used up or too old.',
  AGENT_PUBLIC_KEY_CHANGED: 'The agent’s public key is not the one that the device was registered against.',
  AGENT_NOT_AUTHENTIC: 'The agent could not prove that it has its key.',
  SESSION_EXPIRED: 'The device session is over; a new one has to be started.',
  SESSION_UNKNOWN: 'There is no device session of this id.',
  REQUEST_REPLAYED: 'The request has been accepted before.',
  REQUEST_NOT_AUTHENTIC: 'The request cannot be decrypted in this session.',
  ANSWER_NOT_AUTHENTIC: 'The answer cannot be decrypted in this session.',
  RESULT_UNKNOWN: 'The request was accepted before, and what came of it is not known.',

  // documents
  collection_unknown: 'There is no document collection of this name.',
  collection_exists: 'There is a document collection of this name already.',
  collection_read_only: 'The document collection takes no uploads.',
  collection_folder_invalid: 'The folder of the collection cannot be published.',
  collections_corrupt: 'collections.json cannot be read.',
  document_unknown: 'The collection has no such document.',
  document_version_unknown: 'The document has no such version.',
  document_preparing: 'The service is still reading and encrypting the document; ask again.',
  document_changing: 'The document kept changing while it was read.',
  document_conflict: 'The document is not the version that was to be replaced.',
  document_name_invalid: 'A document cannot have this name.',
  blob_unknown: 'There is no such encrypted document.',
  blob_not_authentic: 'The encrypted document was changed or cut off.',
  range_invalid: 'The document has no such range of bytes.',

  // wire
  wire_bad_version: 'A yamux frame has a version other than 0.',
  wire_bad_type: 'A yamux frame has an unknown type or flags.',
  wire_bad_length: 'A yamux frame declares a length it may not have.',
  wire_unknown_stream: 'A yamux frame names a stream that cannot exist.',
  wire_window_exceeded: 'A peer sent more than its window allows.',
  wire_too_many_streams: 'A peer opened more streams than allowed.',
  wire_flood: 'A peer sent control frames faster than they can be answered.',
  wire_closed: 'The connection is closed.',
  stream_reset: 'The peer reset the stream.',
  stream_closed: 'The stream is closed for writing.',
  keepalive_timeout: 'The peer did not answer a keep-alive ping in time.',
  header_malformed: 'A stream header is no JSON of the expected form.',
  header_too_large: 'A stream header is longer than 4 KiB.',
  header_timeout: 'A stream header did not arrive in time.',

  // the data folder
  superadmin_password_wrong: 'The superadmin password is wrong.',
  superadmin_password_required: 'The superadmin password is needed and was not given.',
  secrets_corrupt: 'secrets.json cannot be read.',
  secrets_missing: 'secrets.json is missing.',
  secrets_exist: 'secrets.json is there already and is never overwritten.',
  settings_corrupt: 'settings.json cannot be read.',
  access_token_unknown: 'No access token has this id.',
  access_token_corrupt: 'The file of an access token cannot be read.',
  certificate_missing: 'e2ee.key is there and e2ee.pem is not.',
  certificate_key_missing: 'e2ee.pem is there and e2ee.key is not.',
  certificate_corrupt: 'e2ee.pem cannot be read.',
  certificate_key_corrupt: 'e2ee.key cannot be read or decrypted.',
  certificate_key_mismatch: 'The private key does not belong to the certificate.',
  certificate_expired: 'The certificate is not valid at this time.',
  certificate_unsupported: 'The certificate has a key or form that the service cannot serve.',
  certificate_import_failed: 'The file holds no usable certificate and key.',
  identity_corrupt: 'The identity key of the service cannot be read.',
  relay_record_corrupt: 'A file in the data folder of the relay cannot be read.',
  relay_record_unknown: 'The relay keeps no record of this id.',
  data_folder_in_use: 'Another process runs on this data folder.',
  data_folder_locked: 'Another process is changing this data folder.',
  storage_failed: 'A file could not be read or written.',
  file_too_open: 'A file with a secret can be read by others.',

  // the console
  console_call_unknown: 'The console has no such call.',
  console_unreachable: 'The host of the console does not answer.',
  console_call_malformed: 'The arguments of a console call are not of its form.',
  not_signed_in: 'Sign in with the superadmin password first.',
  setup_key_invalid: 'The set-up key is wrong, used up or too old.',
  already_set_up: 'This service has been set up already.',
  not_serving: 'The service does not run yet.',
  origin_refused: 'The request does not come from the console.',
  sign_in_delayed: 'Too many wrong passwords: the next try has to wait.',
  password_needed: 'This change opens what was closed, and needs the superadmin password.',
  filter_invalid: 'The filter breaks the rules of its language.',
  cursor_invalid: 'The cursor is not from a page of this query.',
  request_unknown: 'The request log has no request with this id.',
  session_unknown: 'There is no live session with this id.',
  export_unknown: 'There is no such export, or it has been read already.',
  view_unknown: 'There is no saved view with this id.',
  capture_rule_invalid: 'A redaction rule has a pattern that is not safe to run.',
  audit_unavailable: 'The audit log cannot be written, so nothing was changed.',

  internal: 'A defect in Gatehouse.',
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** Facts beside the message that a program may want; never a secret. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean | null>>;

/** What crosses a process or the wire: no stack, no cause. */
export interface SerialisedError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: ErrorDetails;
}

export interface GatehouseErrorOptions {
  readonly cause?: unknown;
  readonly details?: ErrorDetails;
}

/** The one base of all errors that Gatehouse throws. Branch on `code`. */
export class GatehouseError extends Error {
  override readonly name = 'GatehouseError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: GatehouseErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
  }

  /** For JSON: `{code, message, details?}`, without stack and cause. */
  toJSON(): SerialisedError {
    const bare = { code: this.code, message: this.message };
    return Object.keys(this.details).length === 0 ? bare : { ...bare, details: this.details };
  }
}

/** True where `value` is one of our codes: for codes that arrive from another process. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorCodes, value);
}

/** `error` as a GatehouseError: itself, or wrapped as `code` with its own text after `message`. */
export function asGatehouseError(
  error: unknown,
  code: ErrorCode = 'internal',
  message = 'Something went wrong inside Gatehouse.',
): GatehouseError {
  if (error instanceof GatehouseError) return error;
  const detail = error instanceof Error ? ` (${error.message})` : '';
  return new GatehouseError(code, `${message}${detail}`, { cause: error });
}
