// How hard a password is to guess, estimated in the page: nothing is sent anywhere and nothing is kept. An estimate for
// a person's eye, not a gate: the service's rule is eight characters.
export type Strength = 0 | 1 | 2 | 3 | 4;

/** Shortest password that the service takes, in characters. */
export const minimumLength = 8;

/** Bits of guessing at which the next word of praise begins. */
const thresholds = [28, 45, 60, 80] as const;

const runs = [
  'abcdefghijklmnopqrstuvwxyz',
  'qwertzuiop',
  'qwertyuiop',
  'asdfghjkl',
  'yxcvbnm',
  '01234567890',
];
const common =
  /(?:p[a4@][s5$]{2}w(?:[o0]rd|d)|passwort|kennwort|geheim|hallo|hello|welcome|willkommen|letmein|admin|administrator|gatehouse|master|secret|monkey|dragon|qwert[yz]|iloveyou|football|sommer|summer|winter|test)/gi;

/** 0: too short or guessed at once, to 4: out of reach. */
export function estimateStrength(password: string): Strength {
  if (Array.from(password).length < minimumLength) return 0;
  const bits = bitsOf(password);
  const reached = thresholds.filter((threshold) => bits >= threshold).length;
  return reached as Strength;
}

/** Characters that surprise, each worth the bits of its alphabet; what is known or repeated counts as one or two. */
function bitsOf(password: string): number {
  const known = password.match(common)?.length ?? 0;
  const rest = password.replace(common, '\u0000');
  const surprising = Array.from(rest).filter((_, index, all) => !follows(all, index)).length;
  return surprising * Math.log2(alphabetOf(password)) + known * 4;
}

function alphabetOf(password: string): number {
  const kinds: readonly (readonly [RegExp, number])[] = [
    [/[a-z]/, 26],
    [/[A-Z]/, 26],
    [/[0-9]/, 10],
    [/[^a-zA-Z0-9]/, 33],
  ];
  const size = kinds.reduce((sum, [kind, letters]) => sum + (kind.test(password) ? letters : 0), 0);
  return Math.max(size, 2);
}

/** Whether a character only continues: the same again, the next on the keyboard or in the alphabet, or a word again. */
function follows(all: readonly string[], index: number): boolean {
  const before = all[index - 1]?.toLowerCase();
  const here = all[index]?.toLowerCase();
  if (before === undefined || here === undefined) return false;
  if (before === here) return true;
  const joined = before + here;
  const turned = here + before;
  if (runs.some((run) => run.includes(joined) || run.includes(turned))) return true;
  const text = all.slice(0, index - 1).join('');
  return text.toLowerCase().includes(joined);
}
