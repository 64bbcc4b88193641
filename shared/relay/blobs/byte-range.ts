// The Range header of a request for a blob (RFC 9110, section 14): one range of bytes, or the whole. Pure.
import { GatehouseError } from '../../contracts/errors.ts';

/** As a client asks for it; what it means is known once the length is. */
export type RangeRequest =
  | { readonly kind: 'whole' }
  | {
      readonly kind: 'from';
      readonly from: number;
      /** Inclusive; null: to the end. */ readonly last: number | null;
    }
  | { readonly kind: 'suffix'; readonly bytes: number };

export interface ByteRange {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

/**
 * Another unit than bytes is not understood and means the whole, as the RFC wants it; several ranges are refused.
 * @throws GatehouseError `range_invalid`
 */
export function parseRange(header: string | undefined): RangeRequest {
  if (header === undefined || !/^bytes=/i.test(header)) return { kind: 'whole' };
  const match = /^bytes=(\d{1,15})?-(\d{1,15})?$/i.exec(header);
  const [, first, last] = match ?? [];
  if (first !== undefined) {
    const range = {
      kind: 'from',
      from: Number(first),
      last: last === undefined ? null : Number(last),
    } as const;
    if (range.last === null || range.last >= range.from) return range;
  } else if (last !== undefined) {
    return { kind: 'suffix', bytes: Number(last) };
  }
  throw rangeInvalid();
}

/** What `range` means of `length` bytes. @throws GatehouseError `range_invalid` where that is no byte at all */
export function resolveRange(range: RangeRequest, length: number): ByteRange {
  if (range.kind === 'whole') return { from: 0, to: length };
  const from = range.kind === 'suffix' ? Math.max(length - range.bytes, 0) : range.from;
  const to = range.kind === 'suffix' || range.last === null ? length : Math.min(range.last + 1, length);
  if (from >= to) throw rangeInvalid();
  return { from, to };
}

function rangeInvalid(): GatehouseError {
  return new GatehouseError(
    'range_invalid',
    'The blob has no such range. Ask for one range of bytes within its length.',
  );
}
