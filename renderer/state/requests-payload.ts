// A captured payload made readable: JSON is indented, redacted values are marked, anything else is left as it came.
// Pure; must never evaluate what it shows, and never take long over a large one.
import type { CapturedPayload } from '../../shared/contracts/console/models.ts';

/** Longer texts are shown as they came, UTF-16 units: indenting them would make the page wait. */
const mostIndented = 200_000;

/** What the service puts in place of a value that a redaction rule names. */
export const redactedMark = '[redacted]';

export interface PayloadPiece {
  readonly text: string;
  readonly redacted: boolean;
}

/** Whether and how it can be read. */
export type PayloadForm = 'json' | 'text' | 'bytes';

export interface ShownPayload {
  readonly form: PayloadForm;
  readonly text: string;
  readonly pieces: readonly PayloadPiece[];
}

export function showPayload(payload: CapturedPayload): ShownPayload {
  if (payload.text === null) return shown('bytes', payload.base64 ?? '');
  const json = payload.contentType.includes('json') || /^\s*[[{]/.test(payload.text);
  const indented = json ? indent(payload.text) : null;
  return indented === null ? shown('text', payload.text) : shown('json', indented);
}

function shown(form: PayloadForm, text: string): ShownPayload {
  return { form, text, pieces: piecesOf(text) };
}

function indent(text: string): string | null {
  if (text.length > mostIndented) return null;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // Cut off by the size limit, or no JSON after all.
    return null;
  }
}

function piecesOf(text: string): PayloadPiece[] {
  const parts = text.split(redactedMark);
  return parts.flatMap((part, index) => {
    const plain = part === '' ? [] : [{ text: part, redacted: false }];
    return index === parts.length - 1 ? plain : [...plain, { text: redactedMark, redacted: true }];
  });
}
