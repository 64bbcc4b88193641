// From bytes that passed to a payload that may be stored: redacted, cut, and as text where it is UTF-8.
import type { CapturedPayload } from '../../../shared/contracts/console/models.ts';
import type { HeldPayload } from './payload-tap.ts';
import { redactText } from './redaction.ts';
import type { Redaction } from './redaction.ts';
import { redactedMark } from './span.ts';

/** @throws GatehouseError `capture_rule_invalid` where a pattern takes too long */
export function payloadOf(held: HeldPayload, redaction: Redaction): CapturedPayload {
  const { direction, contentType, bytes, maxBytes, totalBytes } = held;
  const truncated = totalBytes > maxBytes;
  const length = truncated ? wholeCharacters(bytes, maxBytes) : maxBytes;
  const head = decodeUtf8(bytes.subarray(0, length));
  const common = { direction, contentType, totalBytes, truncated };
  if (head !== null) {
    const tail = new TextDecoder().decode(bytes.subarray(length));
    return { ...common, ...redactText(head, tail, redaction), base64: null };
  }
  const { text, redactions } = redactText(
    bytes.toString('latin1', 0, maxBytes),
    bytes.toString('latin1', maxBytes),
    redaction,
  );
  return { ...common, text: null, base64: Buffer.from(text, 'latin1').toString('base64'), redactions };
}

/** In the place of a payload that could not be redacted. */
export function withheldPayload({ direction, contentType, totalBytes }: HeldPayload): CapturedPayload {
  return {
    direction,
    contentType,
    text: redactedMark,
    base64: null,
    totalBytes,
    truncated: true,
    redactions: 1,
  };
}

function decodeUtf8(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** The longest length up to `max` that does not end inside a UTF-8 sequence (RFC 3629: at most four bytes). */
function wholeCharacters(bytes: Buffer, max: number): number {
  for (let length = max; length > Math.max(0, max - 4); length -= 1) {
    if (((bytes[length] ?? 0) & 0xc0) !== 0x80) return length;
  }
  return max;
}
