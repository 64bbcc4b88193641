// The rows of the request log: what callers hand in, what they get back, and the compact arrays in between
// that cross to the worker. Everything is brought within its bounds here, so that no value that a stranger
// chose can make a statement fail. Must never open a file or know a thread.
import type { ErrorCode } from '../../../shared/contracts/errors.ts';
import type { CapturedPayload } from '../../../shared/contracts/console/models.ts';
import type {
  DeviceRequestFacts,
  RequestOutcome,
  RequestRow,
  RequestStatus,
  RequestTiming,
} from '../../../shared/contracts/requests.ts';
import { addShaped, shapedEndColumns, shapedRowColumns } from './row-shapes.ts';
import type { SqlValue } from './row-shapes.ts';

/** Characters kept of any text that is not a certificate; the rest gives way to an ellipsis. */
export const maxTextLength = 1024;

/** `rejection_code` of the row that stands for rejections over the quota; its message has their number. */
export const rejectionSummaryCode = 'rejections_summarised';

/** A request that was refused before it began. The log gives it an id of its own. */
export interface RejectionRow extends Omit<RequestRow, 'id'> {
  readonly rejectionCode: ErrorCode | typeof rejectionSummaryCode;
  /** A sentence for the administrator; never a secret. */
  readonly rejectionMessage: string;
}

/** A row as it is stored. What only an end can tell is null while the status is `RUNNING`. */
export interface StoredRequest extends RequestRow {
  readonly status: RequestStatus;
  readonly durationMs: number | null;
  readonly bytesRead: number | null;
  readonly bytesWritten: number | null;
  readonly errorCode: string | null;
  readonly rejectionCode: string | null;
  readonly rejectionMessage: string | null;
}

export type SqlValues = readonly SqlValue[];

/** Kinds of operation; a barrier writes nothing and is acknowledged in its turn. */
export const operationKind = { begin: 0, finish: 1, reject: 2, barrier: 3, capture: 4 } as const;

export type OperationKind = (typeof operationKind)[keyof typeof operationKind];

/**
 * One operation: its kind, the values for its statement, a certificate that may be new to the file, and the shape of
 * its statement where it has several (row-shapes.ts).
 */
export type Operation = readonly [
  kind: OperationKind,
  values: SqlValues,
  certificate: NewCertificate | null,
  shape: number,
];

export const barrier: Operation = [operationKind.barrier, [], null, 0];

export type NewCertificate = readonly [sha256: string, pem: string];

/** Columns in the order of the values of `begin`; those that its shape binds follow. */
export const rowColumns = [
  'id',
  'rpc_name',
  'client_id',
  'service_id',
  'domain_name',
  'sent_at',
  'h2_multiplexing_used',
  'e2ee_used',
  'session_verified',
  'sha256_hash_hexdigest',
  'session_id',
  'token_id',
  'remote_user',
] as const;

/** What a rejection has behind `rowColumns` and `shapedRowColumns`; all of them are bound. */
export const rejectionColumns = [
  'duration_ms',
  'bytes_read',
  'bytes_written',
  'error_code',
  'rejection_code',
  'rejection_message',
] as const;

/** Columns in the order of the values of `finish`; those that its shape binds follow, and the id at last. */
export const endColumns = ['duration_ms', 'bytes_read', 'bytes_written'] as const;

/** @param stored tells which certificates are in the file already, so that they are not sent again. */
export function encodeBegin(row: RequestRow, stored: ReadonlySet<string>): Operation {
  const values = rowValues(row, row.id);
  const shape = addShaped(shapedRowColumns, shapedValues(row), values);
  return [operationKind.begin, values, newCertificate(row, stored), shape];
}

/** Carries its certificate always: it may be written long after, when the file is another one. */
export function encodeRejection(row: RejectionRow, id: number): Operation {
  const reason = text(row.rejectionMessage);
  const values = [
    ...rowValues(row, id),
    ...shapedValues(row),
    0,
    0,
    0,
    row.rejectionCode,
    row.rejectionCode,
    reason,
  ];
  return [operationKind.reject, values, newCertificate(row, nothingStored), 0];
}

/** A request rejected after its begin keeps its code as reason. */
export function encodeFinish(id: number, outcome: RequestOutcome): Operation {
  const { status, durationMs, bytesRead, bytesWritten } = outcome;
  const code = optionalText(outcome.errorCode);
  const values: SqlValue[] = [microseconds(durationMs), whole(bytesRead), whole(bytesWritten)];
  const reason = status === 'REJECTED' ? code : null;
  const facts = [status, code, reason, ...timingValues(outcome.timing)];
  const shape = addShaped(shapedEndColumns, facts, values);
  values.push(id);
  return [operationKind.finish, values, null, shape];
}

/** Values in the order of the writer's INSERT into `payloads`. */
export function encodeCapture(id: number, payload: CapturedPayload): Operation {
  const { direction, totalBytes, truncated, redactions } = payload;
  const body =
    payload.text === null ? Buffer.from(payload.base64 ?? '', 'base64') : Buffer.from(payload.text);
  const counts = [whole(totalBytes), Number(truncated), whole(redactions)];
  const values = [id, direction, text(payload.contentType), body, ...counts];
  return [operationKind.capture, values, null, 0];
}

/** Length of a captured body; 0 for any other operation. */
export function bodyBytes(operation: Operation): number {
  const body = operation[0] === operationKind.capture ? operation[1][3] : null;
  return body instanceof Uint8Array ? body.length : 0;
}

/** The request that an operation is about; null where it is about none. */
export function requestIdOf(operation: Operation): number | null {
  const [kind, values] = operation;
  if (kind === operationKind.barrier) return null;
  return Number(kind === operationKind.finish ? values.at(-1) : values[0]);
}

const noTiming: readonly null[] = [null, null, null, null, null];

function timingValues(timing: RequestTiming | undefined): readonly (number | null)[] {
  if (timing === undefined) return noTiming;
  const { queueMs, handshakeMs, verificationMs, handlerMs, transferMs } = timing;
  const parts = [queueMs, handshakeMs, verificationMs, handlerMs, transferMs];
  return parts.map((ms) => (ms === null ? null : microseconds(ms)));
}

const nothingStored: ReadonlySet<string> = new Set();

function rowValues(row: Omit<RequestRow, 'id'>, id: number): SqlValue[] {
  return [
    id,
    text(row.rpcName),
    text(row.clientId),
    text(row.serviceId),
    text(row.domainName),
    whole(row.sentAt),
    Number(row.h2MultiplexingUsed),
    Number(row.e2eeUsed),
    Number(row.sessionVerified),
    row.certificate === null ? null : row.certificate.sha256,
    optionalText(row.sessionId),
    optionalText(row.tokenId),
    optionalText(row.remoteUser),
  ];
}

/** In the order of `shapedRowColumns`. */
function shapedValues(row: Omit<RequestRow, 'id'>): (string | number | null)[] {
  return [
    row.verifiedBy,
    optionalText(row.tlsVersion),
    optionalText(row.cipher),
    ...deviceValues(row.device ?? null),
  ];
}

function deviceValues(device: DeviceRequestFacts | null): readonly (string | number | null)[] {
  if (device === null) return noDevice;
  const { fingerprint, issuer, subject, counter } = device;
  const texts = [optionalText(fingerprint), optionalText(issuer), optionalText(subject)];
  return ['device', ...texts, counter === null ? null : whole(counter)];
}

const noDevice: readonly null[] = [null, null, null, null, null];

function newCertificate(row: Omit<RequestRow, 'id'>, stored: ReadonlySet<string>): NewCertificate | null {
  const { certificate } = row;
  if (certificate === null || stored.has(certificate.sha256)) return null;
  return [certificate.sha256, certificate.pem];
}

function text(value: string): string {
  return value.length <= maxTextLength ? value : `${value.slice(0, maxTextLength - 1)}…`;
}

function optionalText(value: string | null): string | null {
  return value === null ? null : text(value);
}

function bounded(value: number): number {
  return value > 0 ? Math.min(value, Number.MAX_SAFE_INTEGER) : 0;
}

/** Milliseconds to the microsecond. */
function microseconds(ms: number): number {
  return Math.round(bounded(ms) * 1000) / 1000;
}

function whole(value: number): number {
  return Math.trunc(bounded(value));
}
