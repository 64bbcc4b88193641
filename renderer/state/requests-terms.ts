// Changes to a filter that come from a click: one term more, or another in its place, with the rest left as the person
// wrote it. Pure; what it writes parses.
import { quoteValue } from '../../shared/contracts/filter/format.ts';
import { tokenise } from '../../shared/contracts/filter/tokens.ts';
import type { Token } from '../../shared/contracts/filter/tokens.ts';

/** Only those with this value, or with `exclude` only those without it. */
export function withValue(text: string, field: string, value: string, exclude: boolean): string {
  const term = `${exclude ? '-' : ''}${field}:${quoteValue(value)}`;
  const replaced = (token: Token, written: string) =>
    written === term || (!exclude && isTerm(token, field, false)) || isOpposite(token, field, written, term);
  return join(kept(text, replaced), term);
}

/** Only those in this range of time: replaces what the filter said of time. Milliseconds since the epoch. */
export function withRange(text: string, from: number, to: number): string {
  const rest = kept(text, (token) => isTerm(token, 'since', false) || isTerm(token, 'until', false));
  return join(rest, `since:${new Date(from).toISOString()} until:${new Date(to).toISOString()}`);
}

/** Whether the filter says anything of the time. */
export function hasRange(text: string): boolean {
  return tokenise(text).some((token) => isTerm(token, 'since', false) || isTerm(token, 'until', false));
}

export function withoutRange(text: string): string {
  return kept(text, (token) => isTerm(token, 'since', false) || isTerm(token, 'until', false));
}

/** The filter narrowed to ids above this one: what came later. */
export function laterThan(text: string, id: number): string {
  return join(text.trim(), `id>${id}`);
}

function kept(text: string, dropped: (token: Token, written: string) => boolean): string {
  return tokenise(text)
    .map((token) => ({ token, written: text.slice(token.start, token.end) }))
    .filter(({ token, written }) => !dropped(token, written))
    .map(({ written }) => written)
    .join(' ');
}

function isTerm(token: Token, field: string, negated: boolean): boolean {
  return token.kind === 'field' && token.name.text.toLowerCase() === field && token.negated === negated;
}

/** `-x:1` where `x:1` is added, and the other way round. */
function isOpposite(token: Token, field: string, written: string, term: string): boolean {
  return (
    token.kind === 'field' && token.name.text === field && (written === `-${term}` || `-${written}` === term)
  );
}

function join(rest: string, term: string): string {
  return rest === '' ? term : `${rest} ${term}`;
}
