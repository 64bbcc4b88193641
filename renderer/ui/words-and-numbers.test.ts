// What people read: numbers and times in both languages, keys, the strength of a password, two fingerprints side by side.
import { afterEach, describe, expect, it } from 'vitest';
import { formatFingerprint, formatFingerprintColons } from '../../shared/contracts/fingerprint.ts';
import { locale } from '../i18n/locale.svelte.ts';
import { compareFingerprint } from './fingerprint-comparison.ts';
import { fingerprintOfWords, wordsOfFingerprint } from '../../shared/contracts/fingerprint-words.ts';
import { formatBytes, formatDuration, formatNumber, formatRelative } from './format.ts';
import { nameKeys } from './keys.ts';
import { estimateStrength } from './password-strength.ts';

afterEach(() => (locale.current = 'en'));

describe('formats', () => {
  it.each([
    [0, '0 ms'],
    [0.42, '0.4 ms'],
    [38.4, '38 ms'],
    [1_234, '1.23 s'],
    [59_900, '59.9 s'],
    [252_000, '4 min 12 s'],
    [3 * 3_600_000, '3 h'],
    [(12 * 24 + 4) * 3_600_000, '12 d 4 h'],
  ])('%d ms as a duration is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it.each([
    [0, '0 B'],
    [1023, '1,023 B'],
    [1024, '1 KiB'],
    [1_500, '1.5 KiB'],
    [5 * 2 ** 30, '5 GiB'],
    [2 ** 60, '1,048,576 TiB'],
  ])('%d bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it('follow the language', () => {
    expect(formatNumber(1_234_567)).toBe('1,234,567');
    expect(formatRelative(0, 90_000)).toBe('1 minute ago');
    locale.current = 'de';
    expect(formatNumber(1_234_567)).toBe('1.234.567');
    expect(formatRelative(0, 90_000)).toBe('vor 1 Minute');
    expect(nameKeys('mod+k g')).toEqual([['Strg', 'K'], ['G']]);
  });

  it('of times never round up to a unit that has not been reached', () => {
    expect(formatRelative(0, 59_999)).toBe('59 seconds ago');
    expect(formatRelative(0, 23.9 * 3_600_000)).toBe('23 hours ago');
  });
});

describe('the strength of a password', () => {
  it.each([
    ['', 0],
    ['Ab1!xyz', 0],
    ['aaaaaaaaaaaaaaaa', 0],
    ['12345678901234', 0],
    ['Passwort123', 0],
    ['qwertzuiop', 0],
  ] as const)('%j is %d', (password, strength) => {
    expect(estimateStrength(password)).toBe(strength);
  });

  it.each(['correct horse battery staple', 'T7#q9!vR2$kLm4Zx', 'pmzkqtvhwdxbncry'])(
    '%j is strong',
    (password) => {
      expect(estimateStrength(password)).toBeGreaterThanOrEqual(3);
    },
  );
});

describe('a fingerprint', () => {
  const mine = '0123456789abcdef'.repeat(4);
  const other = `${mine.slice(0, 37)}0${mine.slice(38)}`;

  it.each([mine, formatFingerprint(mine), formatFingerprintColons(mine), `SHA256: ${mine.toUpperCase()}`])(
    'is the same as itself written as %j',
    async (text) => {
      expect(await compareFingerprint(mine, text)).toEqual({ outcome: 'same' });
    },
  );

  it('is different from the first digit on that differs', async () => {
    expect(await compareFingerprint(mine, other)).toEqual({ outcome: 'different', at: 37, pasted: other });
  });

  it('is known by its 24 words, and by no wrong one of them', async () => {
    const words = await wordsOfFingerprint(mine);
    expect(words).toHaveLength(24);
    expect(await compareFingerprint(mine, words.join('  '))).toEqual({ outcome: 'same' });
    const numbered = words.map((word, index) => `${index + 1}. ${word}`).join('\n');
    expect(await compareFingerprint(mine, numbered)).toEqual({ outcome: 'same' });
    expect(await fingerprintOfWords(['zoo', ...words.slice(1)].join(' '))).toBeNull();
  });

  it.each(['not one', mine.slice(1), '<img src=x onerror=alert(1)>'])(
    'is not compared with %j, which is not echoed',
    async (text) => {
      const result = await compareFingerprint(mine, text);
      expect(result.outcome).toBe('unreadable');
      expect(JSON.stringify(result)).not.toContain(text);
    },
  );

  it('is compared with nothing while nothing is there', async () => {
    expect(await compareFingerprint(mine, '  ')).toEqual({ outcome: 'empty' });
  });
});
