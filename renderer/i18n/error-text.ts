// An error in the person's language: a sentence for its code, and the service's own words where they say more.
// A code without a sentence does not compile. Must never show a stack.
import { asGatehouseError, errorCodes, isErrorCode } from '../../shared/contracts/errors.ts';
import type { ErrorCode, SerialisedError } from '../../shared/contracts/errors.ts';
import * as m from './compiled/messages.js';

export interface ErrorText {
  readonly text: string;
  /** The service's own sentence (English): it names the file, the limit or the value. Null where it adds nothing. */
  readonly detail: string | null;
  readonly code: ErrorCode;
}

const sentences: Readonly<Record<ErrorCode, () => string>> = {
  usage: m.error_usage,
  fingerprint_invalid: m.error_fingerprint_invalid,
  fingerprint_required: m.error_fingerprint_required,
  settings_invalid: m.error_settings_invalid,
  fingerprint_mismatch: m.error_fingerprint_mismatch,
  access_token_required: m.error_access_token_required,
  access_token_malformed: m.error_access_token_malformed,
  access_token_rejected: m.error_access_token_rejected,
  service_not_verified: m.error_service_not_verified,
  verification_failed: m.error_verification_failed,
  too_many_attempts: m.error_too_many_attempts,
  e2ee_required: m.error_e2ee_required,
  e2ee_unavailable: m.error_e2ee_unavailable,
  e2ee_handshake_failed: m.error_e2ee_handshake_failed,
  version_unsupported: m.error_version_unsupported,
  downgrade_detected: m.error_downgrade_detected,
  relay_unreachable: m.error_relay_unreachable,
  relay_protocol: m.error_relay_protocol,
  service_offline: m.error_service_offline,
  not_authorised: m.error_not_authorised,
  service_id_taken: m.error_service_id_taken,
  relay_url_mismatch: m.error_relay_url_mismatch,
  service_replaced: m.error_service_replaced,
  truncated: m.error_truncated,
  timeout: m.error_timeout,
  cancelled: m.error_cancelled,
  session_ended: m.error_session_ended,
  rpc_unknown: m.error_rpc_unknown,
  rpc_bad_request: m.error_rpc_bad_request,
  rpc_too_large: m.error_rpc_too_large,
  rpc_failed: m.error_rpc_failed,
  log_unavailable: m.error_log_unavailable,
  log_corrupt: m.error_log_corrupt,
  log_newer_version: m.error_log_newer_version,
  shutting_down: m.error_shutting_down,
  limit_exceeded: m.error_limit_exceeded,
  wire_bad_version: m.error_wire_bad_version,
  wire_bad_type: m.error_wire_bad_type,
  wire_bad_length: m.error_wire_bad_length,
  wire_unknown_stream: m.error_wire_unknown_stream,
  wire_window_exceeded: m.error_wire_window_exceeded,
  wire_too_many_streams: m.error_wire_too_many_streams,
  wire_flood: m.error_wire_flood,
  wire_closed: m.error_wire_closed,
  stream_reset: m.error_stream_reset,
  stream_closed: m.error_stream_closed,
  keepalive_timeout: m.error_keepalive_timeout,
  header_malformed: m.error_header_malformed,
  header_too_large: m.error_header_too_large,
  header_timeout: m.error_header_timeout,
  superadmin_password_wrong: m.error_superadmin_password_wrong,
  superadmin_password_required: m.error_superadmin_password_required,
  secrets_corrupt: m.error_secrets_corrupt,
  secrets_missing: m.error_secrets_missing,
  secrets_exist: m.error_secrets_exist,
  settings_corrupt: m.error_settings_corrupt,
  access_token_unknown: m.error_access_token_unknown,
  access_token_corrupt: m.error_access_token_corrupt,
  certificate_missing: m.error_certificate_missing,
  certificate_key_missing: m.error_certificate_key_missing,
  certificate_corrupt: m.error_certificate_corrupt,
  certificate_key_corrupt: m.error_certificate_key_corrupt,
  certificate_key_mismatch: m.error_certificate_key_mismatch,
  certificate_expired: m.error_certificate_expired,
  certificate_unsupported: m.error_certificate_unsupported,
  certificate_import_failed: m.error_certificate_import_failed,
  identity_corrupt: m.error_identity_corrupt,
  relay_record_corrupt: m.error_relay_record_corrupt,
  relay_record_unknown: m.error_relay_record_unknown,
  data_folder_in_use: m.error_data_folder_in_use,
  data_folder_locked: m.error_data_folder_locked,
  storage_failed: m.error_storage_failed,
  file_too_open: m.error_file_too_open,
  console_call_unknown: m.error_console_call_unknown,
  console_unreachable: m.error_console_unreachable,
  console_call_malformed: m.error_console_call_malformed,
  not_signed_in: m.error_not_signed_in,
  setup_key_invalid: m.error_setup_key_invalid,
  already_set_up: m.error_already_set_up,
  not_serving: m.error_not_serving,
  origin_refused: m.error_origin_refused,
  sign_in_delayed: m.error_sign_in_delayed,
  password_needed: m.error_password_needed,
  filter_invalid: m.error_filter_invalid,
  cursor_invalid: m.error_cursor_invalid,
  request_unknown: m.error_request_unknown,
  session_unknown: m.error_session_unknown,
  export_unknown: m.error_export_unknown,
  view_unknown: m.error_view_unknown,
  capture_rule_invalid: m.error_capture_rule_invalid,
  audit_unavailable: m.error_audit_unavailable,
  internal: m.error_internal,
};

/** Reads the reactive locale: used in a template, it follows a change of the language. */
export function describeError(error: unknown): ErrorText {
  const { code, message } = isSerialised(error) ? error : asGatehouseError(error);
  const text = sentences[code]();
  const known = message === text || message === errorCodes[code] || message === '';
  return { text, detail: known ? null : message, code };
}

/** One that came from the service within a topic, as plain data. */
function isSerialised(error: unknown): error is SerialisedError {
  if (typeof error !== 'object' || error === null || error instanceof Error) return false;
  return (
    'code' in error && isErrorCode(error.code) && 'message' in error && typeof error.message === 'string'
  );
}
