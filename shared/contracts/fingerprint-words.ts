// A fingerprint as 24 words of the BIP-39 English list (256 bits and 8 of checksum), and back. The list is loaded when
// it is first asked for. Must never be used on anything secret: the words are as public as the fingerprint.
const list = () =>
  Promise.all([import('@scure/bip39'), import('@scure/bip39/wordlists/english.js')] as const);

export async function wordsOfFingerprint(fingerprint: string): Promise<readonly string[]> {
  const [{ entropyToMnemonic }, { wordlist }] = await list();
  return entropyToMnemonic(bytesOfHex(fingerprint), wordlist).split(' ');
}

/** The fingerprint that 24 words say; null where they say none (a wrong word, or a wrong checksum). */
export async function fingerprintOfWords(text: string): Promise<string | null> {
  const words = text.toLowerCase().match(/[a-z]+/g) ?? [];
  const [{ mnemonicToEntropy }, { wordlist }] = await list();
  try {
    const bytes = mnemonicToEntropy(words.join(' '), wordlist);
    return bytes.length === 32 ? hexOfBytes(bytes) : null;
  } catch {
    return null;
  }
}

function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function hexOfBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
