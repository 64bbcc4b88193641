// Which regular expressions a redaction rule may use: characters, classes, groups, alternatives and repetitions, but
// nothing repeated inside of what is repeated, no look-around and no reference back. Pure.
import { GatehouseError } from '../../../shared/contracts/errors.ts';

const maxPatternLength = 256;
/** Largest number in {n,m}. */
const maxRepetitions = 1000;
/** How many of `*`, `+` and `{n,}` a pattern may have: each one adds a power to its worst case. */
const maxUnbounded = 4;

const token =
  /(?<escape>\\(?:[dDwWsSbBnrt]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[^A-Za-z0-9]))|(?<class>\[\^?(?:\\[^]|[^\]\\])+\])|(?<open>\((?:\?:)?)|(?<close>\))|(?<or>\|)|(?<repeat>[*+?]|\{\d{1,4}(?:,\d{0,4})?\})\??|(?<plain>[^\\[\](){}*+?])/y;

interface Group {
  /** Whether something in it is repeated or has alternatives. */
  varies: boolean;
}

/** Returns characters that the pattern names. @throws GatehouseError `capture_rule_invalid` */
export function checkPattern(pattern: string): string[] {
  if (pattern.length > maxPatternLength)
    throw invalid(pattern, `has more than ${maxPatternLength} characters`);
  const literals: string[] = [];
  const groups: Group[] = [{ varies: false }];
  let unbounded = 0;
  let closed: Group | null = null;
  for (const { groups: part = {}, 0: text } of tokens(pattern)) {
    const inner = groups.at(-1);
    if (inner === undefined) throw invalid(pattern, 'closes a group that it did not open');
    if (part.repeat !== undefined) {
      checkRepetition(pattern, part.repeat, closed);
      unbounded += /^(?:[*+]|\{\d+,\})$/.test(part.repeat) ? 1 : 0;
      for (const group of groups) group.varies = true;
    }
    if (part.or !== undefined) for (const group of groups) group.varies = true;
    if (part.open !== undefined) groups.push({ varies: false });
    closed = part.close === undefined ? null : (groups.pop() ?? null);
    if (part.plain !== undefined) literals.push(text);
    if (part.class !== undefined) literals.push(...text.replace(/[\\[\]^]/g, ''));
  }
  if (groups.length !== 1) throw invalid(pattern, 'has a group that is not closed');
  if (unbounded > maxUnbounded)
    throw invalid(pattern, `repeats without bound more than ${maxUnbounded} times`);
  checkCompiles(pattern);
  return literals.slice(0, 32);
}

function* tokens(pattern: string): Generator<RegExpExecArray> {
  token.lastIndex = 0;
  for (let at = 0; at < pattern.length; at = token.lastIndex) {
    const match = token.exec(pattern);
    if (match === null) {
      throw invalid(pattern, `has something at position ${at + 1} that redaction rules do not take`);
    }
    yield match;
  }
}

function checkRepetition(pattern: string, repeat: string, group: Group | null): void {
  if (group?.varies === true)
    throw invalid(pattern, 'repeats a group that has repetitions or alternatives in it');
  const numbers = repeat.match(/\d+/g) ?? [];
  if (numbers.some((number) => Number(number) > maxRepetitions)) {
    throw invalid(pattern, `repeats something more than ${maxRepetitions} times`);
  }
}

function checkCompiles(pattern: string): void {
  try {
    new RegExp(pattern);
  } catch (cause) {
    throw invalid(pattern, 'is no regular expression', cause);
  }
}

function invalid(pattern: string, why: string, cause?: unknown): GatehouseError {
  const message = `The pattern ${pattern.slice(0, maxPatternLength)} ${why}.`;
  return new GatehouseError('capture_rule_invalid', message, { cause });
}
