// JSON's \u escapes of ASCII characters, written plainly, so that no secret hides in one. The text means the same
// as before to whoever parses it, also where JSON is a string inside JSON (each level doubles the backslashes).

const asciiEscape = /(\\+)u00([2-7][0-9a-fA-F])/g;

/** How many levels of JSON inside JSON are followed; deeper escapes stay as they are. */
const maxLevels = 8;

export function plainEscapes(text: string): string {
  if (!text.includes('u00')) return text;
  return text.replace(asciiEscape, (whole: string, run: string, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    const level = levelOf(run.length);
    if (level === null || character === '\x7f') return whole;
    const unit = 2 ** level;
    const before = '\\'.repeat(run.length - unit);
    if (character === '"') return `${before}${'\\'.repeat(2 * unit - 1)}"`;
    return before + (character === '\\' ? '\\'.repeat(2 * unit) : character);
  });
}

/**
 * At which level of nesting a run of backslashes begins an escape: the largest power of two that divides its
 * length (`\\\\u` are two backslashes at the first level, and begin an escape at the third).
 */
function levelOf(run: number): number | null {
  let level = 0;
  while (run % 2 ** (level + 1) === 0) level += 1;
  return level <= maxLevels ? level : null;
}
