// The audit log as it crosses from the service to the renderer: who did what, when, and what came of it. Append-only, and
// no secret in any line.
import type { Cursor } from './request-views.ts';

export type AuditAction =
  | 'console.setup'
  | 'console.unlock'
  | 'console.unlock_failed'
  | 'console.lock'
  | 'console.password_changed'
  | 'console.call_refused'
  | 'service.started'
  | 'service.stopped'
  | 'log.unavailable'
  | 'log.available'
  | 'relay.changed'
  | 'settings.changed'
  | 'certificate.created'
  | 'certificate.renewed'
  | 'certificate.imported'
  | 'certificate.import_failed'
  | 'token.created'
  | 'token.revoked'
  | 'token.rejected'
  | 'session.ended'
  | 'device.registered'
  | 'device.confirmed'
  | 'device.refused'
  | 'device.revoked'
  | 'device.code_created'
  | 'device.code_cancelled'
  | 'device.session_ended'
  | 'collection.published'
  | 'collection.removed'
  | 'capture.changed'
  | 'export.made'
  | 'request.rejected';

/** One line of the audit log: append-only. */
export interface AuditView {
  readonly id: number;
  readonly at: number;
  readonly action: AuditAction;
  /** Who: `administrator (desktop)`, `administrator (browser 127.0.0.1)`, `command line`, `service`, a client id. */
  readonly actor: string;
  /** What it was about: a setting's name, a token's id, a fingerprint. */
  readonly subject: string;
  readonly old: string | null;
  readonly value: string | null;
  /** An ErrorCode where something was refused; null where it was done. */
  readonly code: string | null;
  readonly message: string | null;
}

export interface AuditPage {
  readonly rows: readonly AuditView[];
  readonly next: Cursor | null;
  readonly newestId: number;
}

/** Topic `audit`. */
export interface AuditChange {
  readonly newestId: number;
}
