// Parts of a text that may be other text in base64 or percent-encoding, decoded, so that it can be looked at too.
// Pure; decodes one level.

export interface EncodedRun {
  readonly start: number;
  readonly end: number;
  readonly decoded: string;
}

/** Both alphabets of RFC 4648; shorter runs have no room for a name and a value. */
const base64Run = /[A-Za-z0-9+/_-]{20,}/g;
const percentRun = /[^\s"'\\&]*%22[^\s"'\\&]*/g;
/** Any whole name and value has a run of them. */
const printable = /[\x20-\x7e]{12,}/;

export function encodedRuns(text: string): EncodedRun[] {
  return [...percentRuns(text), ...base64Runs(text)];
}

/** A run may begin with characters that only look like base64, so each of the four alignments is tried. */
function base64Runs(text: string): EncodedRun[] {
  return [...text.matchAll(base64Run)].flatMap(({ index, 0: run }) =>
    [0, 1, 2, 3].flatMap((offset) => {
      const decoded = Buffer.from(run.slice(offset), 'base64').toString('latin1');
      return printable.test(decoded) ? [{ start: index, end: index + run.length, decoded }] : [];
    }),
  );
}

function percentRuns(text: string): EncodedRun[] {
  if (!text.includes('%22')) return [];
  return [...text.matchAll(percentRun)].map(({ index, 0: run }) => {
    const decoded = run.replace(/%([2-7][0-9a-f])/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    return { start: index, end: index + run.length, decoded };
  });
}
