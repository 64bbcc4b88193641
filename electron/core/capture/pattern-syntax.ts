// Which regular expressions a redaction rule may use: characters, classes, groups, alternatives and repetitions, but
// nothing repeated inside of what is repeated, no look-around and no reference back. Pure.
import { GatehouseError } from '../../../shared/contracts/errors.ts';

const maxPatternLength = 256;
/** Largest number in {n,m}. */
const maxRepetitions = 1000;
/** How many of `*`, `+` and `{n,}` a pattern may have: each one adds a power to its worst case. */
const maxUnbounded = 4;
/** Characters of a pattern that it is tried out with. */
const maxLiterals = 32;

const token =
  /(?<escape>\\(?:[dDwWsSbBnrt]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[^A-Za-z0-9]))|(?<class>\[\^?(?:\\[^]|[^\]\\])+\])|(?<open>\((?:\?:|(?!\?)))|(?<close>\))|(?<or>\|)|(?<repeat>[*+?]|\{\d{1,4}(?:,\d{0,4})?\})\??|(?<plain>[^\\[\](){}*+?])/y;

/** Returns characters that the pattern names. @throws GatehouseError `capture_rule_invalid` */
export function checkPattern(pattern: string): string[] {
  if (pattern.length > maxPatternLength)
    throw invalid(pattern, `has more than ${maxPatternLength} characters`);
  const check = new PatternCheck(pattern);
  for (const part of tokens(pattern)) check.take(part);
  check.end();
  return check.literals.slice(0, maxLiterals);
}

class PatternCheck {
  readonly literals: string[] = [];
  readonly #pattern: string;
  /** The open groups, and whether something in them is repeated or has alternatives. */
  readonly #open: boolean[] = [];
  /** As above, of the group that the last part closed; false for any other part. */
  #closedVaries = false;
  #unbounded = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  take({ groups: part = {}, 0: text }: RegExpExecArray): void {
    if (part.repeat !== undefined) this.#repeat(part.repeat);
    if (part.repeat !== undefined || part.or !== undefined) this.#open.fill(true);
    if (part.open !== undefined) this.#open.push(false);
    this.#closedVaries = part.close !== undefined && this.#close();
    if (part.plain !== undefined) this.literals.push(text);
    if (part.class !== undefined) this.literals.push(...text.replace(/[\\[\]^]/g, '').split(''));
  }

  end(): void {
    if (this.#open.length > 0) throw invalid(this.#pattern, 'has a group that is not closed');
    if (this.#unbounded > maxUnbounded) {
      throw invalid(this.#pattern, `repeats without bound more than ${maxUnbounded} times`);
    }
    checkCompiles(this.#pattern);
  }

  #close(): boolean {
    const varies = this.#open.pop();
    if (varies === undefined) throw invalid(this.#pattern, 'closes a group that it did not open');
    return varies;
  }

  #repeat(repeat: string): void {
    if (this.#closedVaries) {
      throw invalid(this.#pattern, 'repeats a group that has repetitions or alternatives in it');
    }
    if (repeat.split(/\D+/).some((number) => Number(number) > maxRepetitions)) {
      throw invalid(this.#pattern, `repeats something more than ${maxRepetitions} times`);
    }
    if (/^(?:[*+]|\{\d+,\})$/.test(repeat)) this.#unbounded += 1;
  }
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
