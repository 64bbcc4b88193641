// What the fields of the filter language mean, in the language of the page. Must name every field.
import type { AuditFieldName, RequestFieldName } from '../../shared/contracts/filter/fields.ts';
import * as m from '../i18n/compiled/messages.js';

const meanings: Readonly<Record<RequestFieldName | AuditFieldName, () => string>> = {
  rpc: m.requests_field_rpc,
  status: m.requests_field_status,
  client: m.requests_field_client,
  user: m.requests_field_user,
  token: m.requests_field_token,
  session: m.requests_field_session,
  domain: m.requests_field_domain,
  e2ee: m.requests_field_e2ee,
  verified: m.requests_field_verified,
  by: m.requests_field_by,
  h2: m.requests_field_h2,
  tls: m.requests_field_tls,
  cipher: m.requests_field_cipher,
  fingerprint: m.requests_field_fingerprint,
  device: m.requests_field_device,
  error: m.requests_field_error,
  dur: m.requests_field_dur,
  read: m.requests_field_read,
  written: m.requests_field_written,
  since: m.requests_field_since,
  until: m.requests_field_until,
  id: m.requests_field_id,
  pinned: m.requests_field_pinned,
  noted: m.requests_field_noted,
  captured: m.requests_field_captured,
  action: m.audit_field_action,
  actor: m.audit_field_actor,
  subject: m.audit_field_subject,
  code: m.audit_field_code,
};

/** @param option as completion offers it: a name with its colon; null for a value */
export function meaningOf(option: string): string | null {
  if (!option.endsWith(':')) return null;
  const name = option.slice(0, -1);
  return Object.hasOwn(meanings, name) ? meanings[name as keyof typeof meanings]() : null;
}
