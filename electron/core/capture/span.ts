// Parts of a text that are to go. Pure.

/** What stands where a secret stood. */
export const redactedMark = '[redacted]';

export interface Span {
  /** UTF-16 units; `end` is behind the last one. */
  readonly start: number;
  readonly end: number;
  /** What stands there instead. */
  readonly mark: string;
}

/** In order and apart: of spans that overlap one is left, with the mark of the first. */
export function mergeSpans(spans: readonly Span[]): Span[] {
  const sorted = [...spans].sort((a, b) => a.start - b.start || b.end - a.end);
  const merged: Span[] = [];
  for (const span of sorted) {
    const last = merged.at(-1);
    if (last === undefined || span.start >= last.end) merged.push(span);
    else if (span.end > last.end) merged[merged.length - 1] = { ...last, end: span.end };
  }
  return merged;
}

/** The first `length` units of `text` without `spans`, which are in order and apart; one that begins before goes whole. */
export function cutOut(
  text: string,
  length: number,
  spans: readonly Span[],
): { readonly text: string; readonly redactions: number } {
  const parts: string[] = [];
  let at = 0;
  let redactions = 0;
  for (const { start, end, mark } of spans) {
    if (start >= length) break;
    parts.push(text.slice(at, start), mark);
    at = end;
    redactions += 1;
  }
  if (at < length) parts.push(text.slice(at, length));
  return { text: parts.join(''), redactions };
}
