// Which columns of a row are part of its statement instead of being bound to it: those that have few values, all known
// beforehand. Binding costs the writer about as much as storing, and a value that is not sent costs neither thread. A
// shape is a number that stands for one value of each such column; whatever is not known here is bound, so that a
// statement never holds what a stranger chose. Flags are bound all the same: rows of one shape are inserted together, and
// the fewer shapes there are the more rows lie in the order of their ids.
import { endStatuses } from '../../../shared/contracts/requests.ts';
import type { VerifiedBy } from '../../../shared/contracts/requests.ts';

export type SqlValue = string | number | Uint8Array | null;

type Known = string | number | null;

export interface ShapedColumn {
  readonly name: string;
  /** No quotation marks in them. */
  readonly known: readonly Known[];
}

/** Of a begin and of a rejection, behind `rowColumns`. */
export const shapedRowColumns: readonly ShapedColumn[] = [
  { name: 'verified_by', known: ['none', 'fingerprint'] satisfies VerifiedBy[] },
  { name: 'tls_version', known: [null, 'TLSv1.3'] },
  {
    name: 'cipher',
    known: [
      null,
      'TLS_AES_256_GCM_SHA384',
      'TLS_CHACHA20_POLY1305_SHA256',
      'TLS_AES_128_GCM_SHA256',
      'AES-256-GCM',
    ],
  },
  { name: 'session_kind', known: [null, 'device'] },
  ...['device_fingerprint', 'oidc_issuer', 'oidc_subject', 'request_counter'].map(mostlyNull),
];

function mostlyNull(name: string): ShapedColumn {
  return { name, known: [null] };
}

/** Of an end, behind `endColumns`. */
export const shapedEndColumns: readonly ShapedColumn[] = [
  { name: 'status', known: endStatuses },
  ...[
    'error_code',
    'rejection_code',
    'queue_ms',
    'handshake_ms',
    'verification_ms',
    'handler_ms',
    'transfer_ms',
  ].map(mostlyNull),
];

/** The shape of a row whose `columns` have the values `facts`; appends to `values` those that are bound. */
export function addShaped(
  columns: readonly ShapedColumn[],
  facts: readonly Known[],
  values: SqlValue[],
): number {
  let shape = 0;
  let index = 0;
  for (const { known } of columns) {
    const fact = facts[index++] ?? null;
    const at = known.indexOf(fact);
    if (at < 0) values.push(fact);
    shape = shape * (known.length + 1) + (at < 0 ? known.length : at);
  }
  return shape;
}

/** What stands for each of `columns` in the statement of a shape: a literal, or `?`. */
export function expressionsOf(columns: readonly ShapedColumn[], shape: number): string[] {
  let rest = shape;
  return columns
    .toReversed()
    .map(({ known }) => {
      const at = rest % (known.length + 1);
      rest = Math.floor(rest / (known.length + 1));
      return at === known.length ? '?' : literal(known[at] ?? null);
    })
    .toReversed();
}

function literal(value: Known): string {
  if (value === null) return 'NULL';
  return typeof value === 'number' ? String(value) : `'${value}'`;
}
