// A fingerprint as 24 words that people can read to each other: BIP-39's English list, in which the last word
// carries a checksum of the 32 bytes. Must never be used for keys: these words are public.
import { entropyToMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { parseFingerprint } from './fingerprint.ts';

/** The 24 words of a SHA-256 in hex. @throws GatehouseError `fingerprint_invalid` */
export function fingerprintWords(sha256: string): readonly string[] {
  const pairs = parseFingerprint(sha256).match(/../g) ?? [];
  const bytes = Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
  return entropyToMnemonic(bytes, wordlist).split(' ');
}
