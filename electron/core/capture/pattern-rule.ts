// The administrator's own patterns: a part of JavaScript's regular expressions that cannot run away. Checked when it
// is made, tried out on texts that are made to be slow, and stopped by the clock whenever it runs.
import { createContext, Script } from 'node:vm';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { checkPattern } from './pattern-syntax.ts';
import { redactedMark } from './span.ts';
import type { Span } from './span.ts';

/** How long all patterns together may look at one payload, in milliseconds: the service does nothing else meanwhile. */
export const patternBudgetMs = 50;
/** How long one may take when it is tried out: longer, so that a busy machine refuses no good one. */
const trialMs = 250;
/**
 * Characters that a pattern sees at a time, which bounds what a slow one costs, and how many of them it sees again
 * with the next ones: a match that has more at its end goes to the end of the text.
 */
const windowLength = 2048;
const overlapLength = 1024;

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
    runPattern(pattern, `${character.repeat(windowLength - 1)}\0`, trialMs);
  }
  return pattern;
}

/** Every match. @throws GatehouseError `capture_rule_invalid` where it takes longer than `timeoutMs`, a whole number */
export function runPattern({ source, script }: SafePattern, text: string, timeoutMs: number): Span[] {
  sandbox.text = text;
  try {
    const ends = script.runInContext(context, { timeout: timeoutMs }) as readonly number[];
    return Array.from({ length: ends.length / 2 }, (_, index) => {
      return { start: ends[2 * index] ?? 0, end: ends[2 * index + 1] ?? 0, mark: redactedMark };
    });
  } catch (cause) {
    throw invalid(`The pattern ${source} takes too long. Make it simpler, or use a member's name.`, cause);
  } finally {
    sandbox.text = '';
  }
}

/** Evaluates to start and end of each match, one behind the other; matches that touch are one. */
function scriptOf(source: string): string {
  return `{
    const pattern = new RegExp(${JSON.stringify(source)}, 'g');
    const ends = [];
    const found = (start, end) => {
      if (ends.length > 0 && ends[ends.length - 1] >= start) {
        ends[ends.length - 1] = Math.max(end, ends[ends.length - 1]);
      } else ends.push(start, end);
    };
    for (let at = 0; at < text.length; ) {
      const seen = text.slice(at, at + ${windowLength});
      const isLast = at + ${windowLength} >= text.length;
      let next = isLast ? text.length : at + ${windowLength - overlapLength};
      pattern.lastIndex = 0;
      for (let match = pattern.exec(seen); match !== null; match = pattern.exec(seen)) {
        const isCut = pattern.lastIndex === seen.length && !isLast;
        if (match[0] === '') pattern.lastIndex += 1;
        else if (isCut && match.index === 0) {
          found(at, text.length);
          next = text.length;
        } else if (isCut) next = Math.min(next, at + match.index);
        else found(at + match.index, at + pattern.lastIndex);
      }
      at = next;
    }
    ends;
  }`;
}

function invalid(message: string, cause?: unknown): GatehouseError {
  return new GatehouseError('capture_rule_invalid', message, { cause });
}
