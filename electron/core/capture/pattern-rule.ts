// The administrator's own patterns: a part of JavaScript's regular expressions that cannot run away. Checked when it
// is made, tried out on texts that are made to be slow, and stopped by the clock whenever it runs.
import { createContext, Script } from 'node:vm';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { checkPattern } from './pattern-syntax.ts';
import { redactedMark } from './span.ts';
import type { Span } from './span.ts';

/** How long one pattern may look at one payload, in milliseconds: the service does nothing else meanwhile. */
export const patternTimeoutMs = 50;
/** Characters of a text that a pattern is tried out on. */
const trialLength = 20_000;

export interface SafePattern {
  readonly source: string;
  readonly script: Script;
}

const sandbox: { text: string } = { text: '' };
const context = createContext(sandbox);

/** @throws GatehouseError `capture_rule_invalid` */
export function compilePattern(source: string): SafePattern {
  const literals = checkPattern(source);
  const pattern = { source, script: new Script(scriptOf(source)) };
  if (new RegExp(source).test('')) {
    throw invalid(`The pattern ${source} matches nothing at all, and so it would match everywhere.`);
  }
  for (const character of new Set(['a', '0', ' ', '-', ...literals])) {
    runPattern(pattern, `${character.repeat(trialLength)}\0`);
  }
  return pattern;
}

/** Every match. @throws GatehouseError `capture_rule_invalid` where it takes longer than `patternTimeoutMs` */
export function runPattern(pattern: SafePattern, text: string): Span[] {
  sandbox.text = text;
  try {
    const ends = pattern.script.runInContext(context, { timeout: patternTimeoutMs }) as readonly number[];
    return Array.from({ length: ends.length / 2 }, (_, index) => {
      return { start: ends[2 * index] ?? 0, end: ends[2 * index + 1] ?? 0, mark: redactedMark };
    });
  } catch (cause) {
    throw invalid(
      `The pattern ${pattern.source} takes too long. Make it simpler, or use a member's name.`,
      cause,
    );
  } finally {
    sandbox.text = '';
  }
}

/** Start and end of each match, one behind the other; matches that touch are one. */
function scriptOf(source: string): string {
  return `{
    const pattern = new RegExp(${JSON.stringify(source)}, 'g');
    const ends = [];
    for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
      if (match[0] === '') pattern.lastIndex += 1;
      else if (ends.at(-1) === match.index) ends[ends.length - 1] = pattern.lastIndex;
      else ends.push(match.index, pattern.lastIndex);
    }
    ends;
  }`;
}

function invalid(message: string, cause?: unknown): GatehouseError {
  return new GatehouseError('capture_rule_invalid', message, { cause });
}
