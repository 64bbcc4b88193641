// Text from the other side of a wire, made fit for a terminal or a table.
// Must never let a control character through: a relay or a service could otherwise write over what a person sees.

/** Longest text that is taken over from another process, in UTF-16 units. */
const maxLength = 500;

/** `text` on one line, without control, format and bidirectional characters, cut at 500 characters. */
export function printable(text: string): string {
  return text.slice(0, maxLength).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '\ufffd');
}
