// How one request was protected, for people and programs: `request.e2ee`. Names and order of the table are the seed's.
// Must never call anything verified that this client has not checked itself for that very session.
import { X509Certificate } from 'node:crypto';
import { inspect } from 'node:util';
import type { VerifiedBy } from '../contracts/requests.ts';
import { printable } from './printable.ts';

/** Why a request went without end-to-end encryption. */
export type PlaintextReason =
  /** Only `capabilities`: to learn what the service offers. */
  | 'capabilities_probe'
  /** `useE2eeDefault` is `never`. */
  | 'use_e2ee_default_never'
  /** `capabilities`, the relay's word outside TLS, says that the service offers none. */
  | 'e2ee_not_available';

/** The TLS connection that carried a request. */
export interface TlsFacts {
  /** Lower-case hex SHA-256 of the certificate's DER. */
  readonly sha256: string;
  readonly pem: string;
  readonly tlsVersion: string;
  readonly cipher: string;
  readonly verifiedBy: VerifiedBy;
}

/** What holds for every request of one session. */
export interface SessionFacts {
  /** The relay's word. */
  readonly clientId: string;
  readonly serviceId: string;
  /** The relay's word. */
  readonly domainName: string;
  readonly tls: TlsFacts | null;
  readonly plaintextReason: PlaintextReason | null;
}

/** What `JSON.stringify` makes of it. */
export interface E2EEInformationJson {
  readonly request: string;
  readonly clientId: string;
  readonly serviceId: string;
  readonly domainName: string;
  readonly e2eeUsed: boolean;
  readonly sha256HashHexdigest: string | null;
  /** PEM. */
  readonly x509Certificate: string | null;
  readonly tlsVersion: string | null;
  readonly cipher: string | null;
  readonly verifiedBy: VerifiedBy;
  readonly sessionVerified: boolean;
  readonly plaintextReason?: PlaintextReason;
}

export class E2EEInformation {
  /** The request in short: `ClientRequest(status='SUCCESS', rpc_name='ping')`. */
  readonly request: string;
  /** Whether both ends had proved the access token to each other when the request was sent. */
  readonly sessionVerified: boolean;
  readonly #facts: SessionFacts;

  constructor(request: string, facts: SessionFacts, sessionVerified: boolean) {
    this.request = request;
    this.sessionVerified = sessionVerified;
    this.#facts = facts;
  }

  /** The relay's word. */
  get clientId(): string {
    return this.#facts.clientId;
  }

  get serviceId(): string {
    return this.#facts.serviceId;
  }

  /** The relay's word. */
  get domainName(): string {
    return this.#facts.domainName;
  }

  get e2eeUsed(): boolean {
    return this.#facts.tls !== null;
  }

  /** Of the certificate that the service presented: compare it with what the service shows. */
  get sha256HashHexdigest(): string | null {
    return this.#facts.tls?.sha256 ?? null;
  }

  /** PEM. */
  get x509Certificate(): string | null {
    return this.#facts.tls?.pem ?? null;
  }

  get tlsVersion(): string | null {
    return this.#facts.tls?.tlsVersion ?? null;
  }

  get cipher(): string | null {
    return this.#facts.tls?.cipher ?? null;
  }

  get verifiedBy(): VerifiedBy {
    return this.#facts.tls?.verifiedBy ?? 'none';
  }

  /** Undefined where E2EE was used. */
  get plaintextReason(): PlaintextReason | undefined {
    return this.#facts.plaintextReason ?? undefined;
  }

  toJSON(): E2EEInformationJson {
    const { plaintextReason } = this;
    return {
      request: this.request,
      clientId: this.clientId,
      serviceId: this.serviceId,
      domainName: this.domainName,
      e2eeUsed: this.e2eeUsed,
      sha256HashHexdigest: this.sha256HashHexdigest,
      x509Certificate: this.x509Certificate,
      tlsVersion: this.tlsVersion,
      cipher: this.cipher,
      verifiedBy: this.verifiedBy,
      sessionVerified: this.sessionVerified,
      ...(plaintextReason === undefined ? {} : { plaintextReason }),
    };
  }

  /** Rows of name and value, the seed's first and in its order. Safe to print. */
  toTable(): (readonly [name: string, value: string])[] {
    const rows: [string, string][] = [
      ['request', this.request],
      ['client_id', `${this.clientId} (the relay's word)`],
      ['service_id', this.serviceId],
      ['domain_name', `${this.domainName} (the relay's word)`],
      ['e2ee_used', String(this.e2eeUsed)],
      ['sha256_hash_hexdigest', this.sha256HashHexdigest ?? '-'],
      ['x509_certificate', this.x509Certificate === null ? '-' : certificateText(this.x509Certificate)],
      ['tls_version', this.tlsVersion ?? '-'],
      ['cipher', this.cipher ?? '-'],
      ['verified_by', this.verifiedBy],
      ['session_verified', String(this.sessionVerified)],
    ];
    if (this.plaintextReason !== undefined) rows.push(['plaintext_reason', this.plaintextReason]);
    return rows.map(([name, value]) => [name, printable(value)]);
  }

  /** The table as text, a rule above and below. */
  toString(): string {
    const rows = this.toTable();
    const widthOf = (column: 0 | 1): number => Math.max(...rows.map((row) => row[column].length));
    const rule = `${'-'.repeat(widthOf(0))}  ${'-'.repeat(widthOf(1))}`;
    const lines = rows.map(([name, value]) => `${name.padEnd(widthOf(0))}  ${value}`);
    return [rule, ...lines, rule].join('\n');
  }

  /** What a Node console shows. */
  [inspect.custom](): string {
    return this.toString();
  }
}

function certificateText(pem: string): string {
  const { subject } = new X509Certificate(pem);
  // Node gives an attribute a line; undefined where the subject is empty, whatever its types say.
  const name = (subject as string | undefined)?.split('\n').join(',') ?? '';
  return `<Certificate(subject=<Name(${name})>, ...)>`;
}
