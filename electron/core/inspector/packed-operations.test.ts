// What crosses to the writer comes out as it went in.
import { expect, it } from 'vitest';
import { isPacked, packOperations, unpackOperations } from './packed-operations.ts';
import { barrier, encodeBegin, encodeCapture, encodeFinish, encodeRejection } from './rows.ts';
import { sampleOutcome, sampleRejection, sampleRow } from './sample-rows.ts';

const payload = {
  direction: 'request',
  contentType: 'text/plain',
  text: 'hello',
  base64: null,
  totalBytes: 5,
  truncated: false,
  redactions: 0,
} as const;

it('unpacks every kind of operation as it was packed', () => {
  const operations = [
    encodeBegin(sampleRow(1), new Set()),
    barrier,
    encodeFinish(1, { ...sampleOutcome, status: 'FAILED', errorCode: 'timeout' }),
    encodeRejection(sampleRejection(), 2),
    encodeBegin(sampleRow(3, { certificate: null }), new Set()),
    encodeCapture(3, payload),
  ];
  const crossed = structuredClone(packOperations(operations));
  expect(isPacked(crossed)).toBe(true);
  const unpacked = unpackOperations(crossed);
  expect(unpacked.map(([kind, , certificate, shape]) => [kind, certificate, shape])).toEqual(
    operations.map(([kind, , certificate, shape]) => [kind, certificate, shape]),
  );
  const bytes = (value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString() : value);
  expect(unpacked.map(([, values]) => values.map(bytes))).toEqual(
    operations.map(([, values]) => values.map(bytes)),
  );
});

it('takes a command for none', () => {
  expect(isPacked({ kind: 'close' })).toBe(false);
  expect(unpackOperations(packOperations([]))).toEqual([]);
});
