// Takes secrets out of text: what Gatehouse itself hands out (access tokens, private keys) and members of some names
// always, and what the administrator's rules say. Works on text of any form: JSON whole, cut off or broken, JSON
// inside JSON, header lines, forms. Takes out rather too much. Must never let through what it could not look at.
// It sees no secret inside of what is compressed or encrypted.
import type { RedactionRule } from '../../../shared/contracts/console/models.ts';
import { encodedRuns } from './encoded-runs.ts';
import { plainEscapes } from './json-escapes.ts';
import { normalName } from './member-names.ts';
import { findMembers } from './members.ts';
import { findOwnSecrets, squeeze } from './own-secrets.ts';
import { compilePattern, patternBudgetMs, runPattern } from './pattern-rule.ts';
import type { SafePattern } from './pattern-rule.ts';
import { cutOut, mergeSpans, redactedMark } from './span.ts';
import type { Span } from './span.ts';

export interface Redaction {
  /** In normal form, beside those that are always taken out. */
  readonly names: ReadonlySet<string>;
  readonly patterns: readonly SafePattern[];
}

export interface RedactedText {
  readonly text: string;
  readonly redactions: number;
}

/** @throws GatehouseError `capture_rule_invalid` */
export function makeRedaction(rules: readonly RedactionRule[]): Redaction {
  const names = rules.flatMap((rule) => (rule.kind === 'member' ? [normalName(rule.name)] : []));
  const patterns = rules.flatMap((rule) => (rule.kind === 'pattern' ? [compilePattern(rule.pattern)] : []));
  return { names: new Set(names), patterns };
}

/**
 * `head` without its secrets, and how many were taken out. `tail` is what followed it and is looked at alone.
 * @throws GatehouseError `capture_rule_invalid` where the patterns take too long
 */
export function redactText(head: string, tail: string, redaction: Redaction): RedactedText {
  const kept = plainEscapes(head);
  const text = kept + plainEscapes(tail);
  const deadline = performance.now() + patternBudgetMs;
  const spans = mergeSpans([
    ...findKnown(text, redaction),
    ...findEncoded(text, redaction),
    ...findPatterns(text, redaction, deadline),
  ]);
  const rest = cutOut(text, text.length, spans).text;
  if (hidesMore(rest, redaction, deadline)) return { text: redactedMark, redactions: 1 };
  return cutOut(text, kept.length, spans);
}

function findKnown(text: string, redaction: Redaction): Span[] {
  return [...findOwnSecrets(text), ...findMembers(text, redaction.names)];
}

function findEncoded(text: string, redaction: Redaction): Span[] {
  return encodedRuns(text)
    .filter(({ decoded }) => findKnown(decoded, redaction).length > 0)
    .map(({ start, end }) => ({ start, end, mark: redactedMark }));
}

function findPatterns(text: string, { patterns }: Redaction, deadline: number): Span[] {
  return patterns.flatMap((pattern) => {
    return runPattern(pattern, text, Math.max(1, Math.ceil(deadline - performance.now())));
  });
}

/** Whether a secret shows when what may stand between its characters is taken away: line breaks, or UTF-16's zeros. */
function hidesMore(rest: string, redaction: Redaction, deadline: number): boolean {
  const squeezed = squeeze(rest);
  if (findOwnSecrets(squeezed).length > 0) return true;
  if (encodedRuns(squeezed).some(({ decoded }) => findOwnSecrets(decoded).length > 0)) return true;
  if (!rest.includes('\0')) return false;
  const narrow = rest.replaceAll('\0', '');
  return findKnown(narrow, redaction).length > 0 || findPatterns(narrow, redaction, deadline).length > 0;
}
