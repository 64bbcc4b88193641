// The audit log's words: what was done, in the language of the page, and whether it was a refusal.
import type { AuditAction, AuditView } from '../../../shared/contracts/console/models.ts';
import * as m from '../../i18n/compiled/messages.js';
import { byRelay } from '../../ui/relay-word.ts';

export const actionWords: Readonly<Record<AuditAction, () => string>> = {
  'console.setup': m.audit_console_setup,
  'console.unlock': m.audit_console_unlock,
  'console.unlock_failed': m.audit_console_unlock_failed,
  'console.lock': m.audit_console_lock,
  'console.password_changed': m.audit_console_password_changed,
  'console.call_refused': m.audit_console_call_refused,
  'service.started': m.audit_service_started,
  'service.stopped': m.audit_service_stopped,
  'log.unavailable': m.audit_log_unavailable,
  'log.available': m.audit_log_available,
  'relay.changed': m.audit_relay_changed,
  'settings.changed': m.audit_settings_changed,
  'certificate.created': m.audit_certificate_created,
  'certificate.renewed': m.audit_certificate_renewed,
  'certificate.imported': m.audit_certificate_imported,
  'certificate.import_failed': m.audit_certificate_import_failed,
  'token.created': m.audit_token_created,
  'token.revoked': m.audit_token_revoked,
  'token.rejected': m.audit_token_rejected,
  'session.ended': m.audit_session_ended,
  'device.registered': m.audit_device_registered,
  'device.confirmed': m.audit_device_confirmed,
  'device.refused': m.audit_device_refused,
  'device.revoked': m.audit_device_revoked,
  'device.code_created': m.audit_device_code_created,
  'device.code_cancelled': m.audit_device_code_cancelled,
  'device.session_ended': m.audit_device_session_ended,
  'collection.published': m.audit_collection_published,
  'collection.removed': m.audit_collection_removed,
  'capture.changed': m.audit_capture_changed,
  'export.made': m.audit_export_made,
  'request.rejected': m.audit_request_rejected,
};

export function actionWord(entry: AuditView): string {
  return actionWords[entry.action]();
}

/** What a client is refused is on record under its name, which is the relay's word. */
export function actorWord({ action, actor }: AuditView): string {
  return action === 'token.rejected' || action === 'request.rejected' ? byRelay(actor) : actor;
}

export function isRefusal(entry: AuditView): boolean {
  return entry.code !== null;
}
