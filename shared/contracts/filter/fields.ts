// The fields that the filter language knows, a table for the inspector and one for the audit log: parser, completion
// and evaluation all read them here. Must hold no behaviour but the look-up by name.
import type { AuditAction } from '../console/models.ts';
import { endStatuses } from '../requests.ts';
import type { RequestStatus, VerifiedBy } from '../requests.ts';
import type { Field } from './filter.ts';

const statuses = ['RUNNING', ...endStatuses] as const satisfies readonly RequestStatus[];

const verifications = ['fingerprint', 'none'] as const satisfies readonly VerifiedBy[];

const auditActions = [
  'console.setup',
  'console.unlock',
  'console.unlock_failed',
  'console.lock',
  'console.password_changed',
  'console.call_refused',
  'service.started',
  'service.stopped',
  'log.unavailable',
  'log.available',
  'relay.changed',
  'settings.changed',
  'certificate.created',
  'certificate.renewed',
  'certificate.imported',
  'certificate.import_failed',
  'token.created',
  'token.revoked',
  'token.rejected',
  'session.ended',
  'device.registered',
  'device.confirmed',
  'device.refused',
  'device.revoked',
  'device.code_created',
  'device.code_cancelled',
  'device.session_ended',
  'collection.published',
  'collection.removed',
  'capture.changed',
  'export.made',
  'request.rejected',
] as const satisfies readonly AuditAction[];

/** `since` takes what came at that time or later, `until` what came before it. */
export const requestFields = [
  { name: 'rpc', kind: 'word' },
  { name: 'status', kind: 'word', values: statuses },
  { name: 'client', kind: 'word' },
  { name: 'user', kind: 'word' },
  { name: 'token', kind: 'word' },
  { name: 'session', kind: 'word' },
  { name: 'domain', kind: 'word' },
  { name: 'e2ee', kind: 'yesNo' },
  { name: 'verified', kind: 'yesNo' },
  { name: 'by', kind: 'word', values: verifications },
  { name: 'h2', kind: 'yesNo' },
  { name: 'tls', kind: 'word' },
  { name: 'cipher', kind: 'word' },
  { name: 'fingerprint', kind: 'word' },
  { name: 'device', kind: 'word' },
  { name: 'error', kind: 'word' },
  { name: 'dur', kind: 'duration' },
  { name: 'read', kind: 'size' },
  { name: 'written', kind: 'size' },
  { name: 'since', kind: 'time' },
  { name: 'until', kind: 'time' },
  { name: 'id', kind: 'number' },
  { name: 'pinned', kind: 'yesNo' },
  { name: 'noted', kind: 'yesNo' },
  { name: 'captured', kind: 'yesNo' },
] as const satisfies readonly Field[];

export const auditFields = [
  { name: 'action', kind: 'word', values: auditActions },
  { name: 'actor', kind: 'word' },
  { name: 'subject', kind: 'word' },
  { name: 'code', kind: 'word' },
  { name: 'since', kind: 'time' },
  { name: 'until', kind: 'time' },
  { name: 'id', kind: 'number' },
] as const satisfies readonly Field[];

export type RequestFieldName = (typeof requestFields)[number]['name'];
export type AuditFieldName = (typeof auditFields)[number]['name'];

/** Other ways to write a fixed value, by field; lower case. */
export const valueAliases: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  status: { ok: 'SUCCESS' },
};

/** Without case. */
export function findField(fields: readonly Field[], name: string): Field | undefined {
  const wanted = name.toLowerCase();
  return fields.find((field) => field.name === wanted);
}
