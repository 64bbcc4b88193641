// PEM armour (RFC 7468): finds the blocks of a text, whole ones only. It must never decode what is inside;
// parsing belongs to node:crypto.

export interface PemBlock {
  /** For example `CERTIFICATE`. */
  readonly label: string;
  /** With its BEGIN and END lines. */
  readonly text: string;
}

/** A chain of ten certificates and a key come to eleven. */
const maxBlocks = 32;
const begin = '-----BEGIN ';

/** The blocks in order, or null where one is cut off, mislabelled, or there are more than 32. */
export function pemBlocks(text: string): readonly PemBlock[] | null {
  const blocks: PemBlock[] = [];
  let from = text.indexOf(begin);
  while (from !== -1) {
    const label = /^[A-Z0-9 ]{1,40}(?=-----)/.exec(
      text.slice(from + begin.length, from + begin.length + 48),
    )?.[0];
    if (label === undefined || blocks.length === maxBlocks) return null;
    const endLine = `-----END ${label}-----`;
    const end = text.indexOf(endLine, from);
    const next = text.indexOf(begin, from + begin.length);
    if (end === -1 || (next !== -1 && next < end)) return null;
    blocks.push({ label, text: `${text.slice(from, end)}${endLine}\n` });
    from = next;
  }
  return blocks;
}
