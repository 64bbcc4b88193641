// Operations as they cross from the main thread to the one that writes: all of a message in one flat array, which both
// threads copy in half the time of nested ones. Must never know
// what a value means.
import type { NewCertificate, Operation, OperationKind, SqlValues } from './rows.ts';
import type { SqlValue } from './row-shapes.ts';

/** For each operation its kind, shape, certificate and number of values, and the values. */
export type PackedOperations = readonly (SqlValue | NewCertificate)[];

const headLength = 4;

export function packOperations(operations: readonly Operation[]): PackedOperations {
  const packed: (SqlValue | NewCertificate)[] = [];
  for (const [kind, values, certificate, shape] of operations) {
    packed.push(kind, shape, certificate, values.length);
    for (const value of values) packed.push(value);
  }
  return packed;
}

export function unpackOperations(packed: PackedOperations): Operation[] {
  const operations: Operation[] = [];
  for (let at = 0; at < packed.length;) {
    const kind = packed[at] as OperationKind;
    const shape = packed[at + 1] as number;
    const certificate = packed[at + 2] as NewCertificate | null;
    const start = at + headLength;
    at = start + (packed[at + 3] as number);
    operations.push([kind, packed.slice(start, at) as SqlValues, certificate, shape]);
  }
  return operations;
}

/** Everything else that crosses is an object with a kind. */
export function isPacked(message: object): message is PackedOperations {
  return Array.isArray(message);
}
