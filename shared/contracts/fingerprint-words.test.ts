// Fingerprints as words: the third party's own vectors (BIP-39, trezor/python-mnemonic), both ways.
import { expect, it } from 'vitest';
import { fingerprintOfWords, wordsOfFingerprint } from './fingerprint-words.ts';

const legal = 'legal winner thank year wave sausage worth useful ';

it.each([
  ['00'.repeat(32), `${'abandon '.repeat(23)}art`],
  ['ff'.repeat(32), `${'zoo '.repeat(23)}vote`],
  ['7f'.repeat(32), `${legal.repeat(2)}legal winner thank year wave sausage worth title`],
])('%s', async (sha256, words) => {
  expect((await wordsOfFingerprint(sha256)).join(' ')).toBe(words);
  expect(await fingerprintOfWords(words)).toBe(sha256);
});

it.each(['', 'abandon', `${'abandon '.repeat(23)}zoo`, `${'abandon '.repeat(11)}about`, 'x '.repeat(24)])(
  'says no fingerprint for %j',
  async (text) => {
    expect(await fingerprintOfWords(text)).toBeNull();
  },
);
