// The inspector's words: columns, states, parts of the timing and facts, in the language of the page.
import type { RequestView, SortKey } from '../../../shared/contracts/console/models.ts';
import type { RequestStatus, VerifiedBy } from '../../../shared/contracts/requests.ts';
import * as m from '../../i18n/compiled/messages.js';
import type { ColumnName } from '../../state/requests-columns.svelte.ts';
import type { FactName, FactValue } from '../../state/requests-compare.ts';
import type { TimingPart } from '../../state/requests-waterfall.ts';
import { formatBytes, formatDateTime, formatDuration } from '../../ui/format.ts';
import { byRelay } from '../../ui/relay-word.ts';

export const columnTitles: Readonly<Record<ColumnName, () => string>> = {
  marks: m.requests_column_marks,
  id: m.requests_column_id,
  time: m.requests_column_time,
  status: m.requests_column_status,
  rpc: m.requests_column_rpc,
  client: () => byRelay(m.requests_column_client()),
  user: m.requests_column_user,
  e2ee: m.requests_column_e2ee,
  kind: m.requests_column_kind,
  by: m.requests_column_by,
  h2: m.requests_column_h2,
  error: m.requests_column_error,
  duration: m.requests_column_duration,
  read: m.requests_column_read,
  written: m.requests_column_written,
};

export const sortTitles: Readonly<Record<SortKey, () => string>> = {
  time: m.requests_column_time,
  duration: m.requests_column_duration,
  bytesRead: m.requests_column_read,
  bytesWritten: m.requests_column_written,
};

export const statusWords: Readonly<Record<RequestStatus, () => string>> = {
  RUNNING: m.requests_status_running,
  SUCCESS: m.requests_status_success,
  FAILED: m.requests_status_failed,
  REJECTED: m.requests_status_rejected,
  CANCELLED: m.requests_status_cancelled,
  TIMED_OUT: m.requests_status_timed_out,
  INTERRUPTED: m.requests_status_interrupted,
};

export const statusMarks = {
  RUNNING: 'busy',
  SUCCESS: 'ok',
  FAILED: 'bad',
  REJECTED: 'bad',
  CANCELLED: 'off',
  TIMED_OUT: 'warn',
  INTERRUPTED: 'warn',
} as const satisfies Readonly<Record<RequestStatus, 'ok' | 'warn' | 'bad' | 'off' | 'busy'>>;

export const verifiedByWords: Readonly<Record<VerifiedBy, () => string>> = {
  fingerprint: m.requests_by_fingerprint,
  none: m.requests_by_none,
};

export const kindWords: Readonly<Record<RequestView['sessionKind'], () => string>> = {
  none: m.requests_kind_none,
  tls: m.requests_kind_tls,
  device: m.requests_kind_device,
};

export const partWords: Readonly<Record<TimingPart, () => string>> = {
  queue: m.requests_part_queue,
  handshake: m.requests_part_handshake,
  verification: m.requests_part_verification,
  handler: m.requests_part_handler,
  transfer: m.requests_part_transfer,
};

export const factWords: Readonly<Record<FactName, () => string>> = {
  ...partWords,
  status: m.requests_column_status,
  rpc: m.requests_column_rpc,
  client: columnTitles.client,
  user: m.requests_column_user,
  sent: m.requests_fact_sent,
  duration: m.requests_column_duration,
  read: m.requests_fact_read,
  written: m.requests_fact_written,
  error: m.requests_column_error,
  message: m.requests_fact_message,
  e2ee: m.requests_fact_e2ee,
  verified: m.requests_fact_verified,
  by: m.requests_column_by,
  tls: m.requests_fact_tls,
  cipher: m.requests_fact_cipher,
  fingerprint: m.requests_fact_fingerprint,
  session: m.requests_fact_session,
  token: m.requests_fact_token,
  kind: m.requests_column_kind,
  device: m.requests_fact_device,
  issuer: m.requests_fact_issuer,
  subject: m.requests_fact_device_subject,
  counter: m.requests_fact_counter,
  h2: m.requests_column_h2,
  request: m.requests_payload_request,
  answer: m.requests_payload_answer,
  note: m.requests_note,
};

export function yesNo(yes: boolean): string {
  return yes ? m.requests_yes() : m.requests_no();
}

export function factText(value: FactValue): string {
  switch (value.kind) {
    case 'yesNo':
      return yesNo(value.yes);
    case 'session':
      return kindWords[value.session]();
    case 'text':
      return value.text ?? '–';
    case 'duration':
      return value.value === null ? '–' : formatDuration(value.value);
    case 'bytes':
      return value.value === null ? '–' : formatBytes(value.value);
    case 'time':
      return value.value === null ? '–' : formatDateTime(value.value);
  }
}
