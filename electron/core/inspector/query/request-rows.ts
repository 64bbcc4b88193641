// Reads requests from the database in the forms that the console shows: a line, or all that is known about one.
import { X509Certificate } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import type { Database, Statement } from 'better-sqlite3';
import { GatehouseError } from '../../../../shared/contracts/errors.ts';
import type {
  CapturedPayload,
  RequestDetail,
  RequestView,
} from '../../../../shared/contracts/console/models.ts';
import type { CertificateRecord } from '../../../../shared/contracts/requests.ts';
import { decodeRow } from '../stored-rows.ts';
import type { DatabaseRow } from '../stored-rows.ts';

interface ConsoleRow extends DatabaseRow {
  readonly queue_ms: number | null;
  readonly handshake_ms: number | null;
  readonly verification_ms: number | null;
  readonly handler_ms: number | null;
  readonly transfer_ms: number | null;
  readonly pinned: number;
  readonly note: string | null;
  readonly captured: number;
}

interface PayloadRow {
  readonly direction: CapturedPayload['direction'];
  readonly content_type: string;
  readonly body: Buffer;
  readonly total_bytes: number;
  readonly truncated: number;
  readonly redactions: number;
}

/** Subjects of certificates kept, by fingerprint. */
const maxSubjects = 256;

export class RequestRows {
  readonly #subjects = new Map<string, string>();
  readonly #row: Statement;
  readonly #detail: Statement;
  readonly #payloads: Statement;

  constructor(db: Database) {
    this.#row = db.prepare('SELECT *, NULL AS pem FROM requests WHERE id = ?');
    this.#detail = db.prepare(
      'SELECT requests.*, pem FROM requests LEFT JOIN certificates ON sha256 = sha256_hash_hexdigest WHERE id = ?',
    );
    this.#payloads = db.prepare('SELECT * FROM payloads WHERE request_id = ? ORDER BY direction DESC');
  }

  /** In the order of `ids`, without those that are gone. */
  views(ids: readonly number[]): RequestView[] {
    return ids.flatMap((id) => {
      const row = this.#row.get(id) as ConsoleRow | undefined;
      return row === undefined ? [] : [viewOf(row)];
    });
  }

  /** @throws GatehouseError `request_unknown` */
  detail(id: number): RequestDetail {
    const found = this.find(id);
    if (found === null) throw requestUnknown(id);
    return found;
  }

  find(id: number): RequestDetail | null {
    const row = this.#detail.get(id) as ConsoleRow | undefined;
    if (row === undefined) return null;
    const { certificate, serviceId, domainName, tlsVersion, cipher, ...rest } = decodeRow(row);
    const { sessionId, tokenId, rejectionCode, rejectionMessage, device = null } = rest;
    return {
      ...viewOf(row),
      ...{
        serviceId,
        domainName,
        tlsVersion,
        cipher,
        sessionId,
        tokenId,
        rejectionCode,
        rejectionMessage,
        device,
      },
      certificate: certificate === null ? null : { ...certificate, subject: this.#subject(certificate) },
      timing: {
        queueMs: row.queue_ms,
        handshakeMs: row.handshake_ms,
        verificationMs: row.verification_ms,
        handlerMs: row.handler_ms,
        transferMs: row.transfer_ms,
      },
      note: row.note,
      payloads: row.captured === 1 ? (this.#payloads.all(id) as PayloadRow[]).map(payloadOf) : [],
    };
  }

  #subject({ sha256, pem }: CertificateRecord): string {
    const known = this.#subjects.get(sha256);
    if (known !== undefined) return known;
    if (this.#subjects.size === maxSubjects) this.#subjects.clear();
    const subject = subjectOf(pem);
    this.#subjects.set(sha256, subject);
    return subject;
  }
}

export function requestUnknown(id: number): GatehouseError {
  return new GatehouseError(
    'request_unknown',
    `The request log has no request ${id}, or it has been removed by age.`,
  );
}

function viewOf(row: ConsoleRow): RequestView {
  const { id, status, rpcName, clientId, remoteUser, sentAt, durationMs, bytesRead, ...rest } =
    decodeRow(row);
  const { bytesWritten, e2eeUsed, sessionVerified, verifiedBy, errorCode, h2MultiplexingUsed } = rest;
  return {
    ...{ id, status, rpcName, clientId, remoteUser, sentAt, durationMs, bytesRead, bytesWritten },
    ...{ e2eeUsed, sessionVerified, verifiedBy, errorCode, h2MultiplexingUsed },
    pinned: row.pinned === 1,
    noted: row.note !== null,
    captured: row.captured === 1,
    sessionKind: row.session_kind === 'device' ? 'device' : e2eeUsed ? 'tls' : 'none',
  };
}

function payloadOf(row: PayloadRow): CapturedPayload {
  const isText = isUtf8(row.body);
  return {
    direction: row.direction,
    contentType: row.content_type,
    text: isText ? row.body.toString('utf8') : null,
    base64: isText ? null : row.body.toString('base64'),
    totalBytes: row.total_bytes,
    truncated: row.truncated === 1,
    redactions: row.redactions,
  };
}

/** Empty where the certificate is not one that this program can read. */
function subjectOf(pem: string): string {
  try {
    return new X509Certificate(pem).subject;
  } catch {
    return '';
  }
}
