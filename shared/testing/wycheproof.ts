// Project Wycheproof's cases through the functions that device sessions really use (device/primitives.ts, identity.ts).
// Runs in Node and, bundled, in Chromium: no node:*. A case that the protocol forbids counts as refused only where those
// functions refused it; none is skipped.
import { concat, equalBytes, fromHex, type Bytes } from '../device/bytes.ts';
import { pointOfJwk, publicKeyOf, verify } from '../device/identity.ts';
import * as primitives from '../device/primitives.ts';

/** Each file, and its number of cases as issue 4 states it. */
export const wycheproofFiles = {
  'aes_gcm_test.json': 316,
  'ecdh_secp256r1_webcrypto_test.json': 353,
  'ecdsa_secp256r1_sha256_p1363_test.json': 262,
  'hkdf_sha256_test.json': 86,
} as const;
export type WycheproofFile = keyof typeof wycheproofFiles;

/** What the functions did with a case. */
type Outcome = 'valid' | 'invalid' | 'refused';

export interface Tally extends Record<Outcome, number> {
  readonly file: string;
  ran: number;
  /** Cases whose outcome is not the stated one. */
  readonly wrong: string[];
}

interface Case {
  readonly tcId: number;
  readonly comment: string;
  readonly result: Outcome;
  readonly [member: string]: unknown;
}
interface Group {
  readonly tests: readonly Case[];
  readonly [member: string]: unknown;
}

const runners: Readonly<Record<WycheproofFile, (test: Case, group: Group) => Promise<Outcome | 'wrong'>>> = {
  'aes_gcm_test.json': aesGcm,
  'ecdh_secp256r1_webcrypto_test.json': ecdh,
  'ecdsa_secp256r1_sha256_p1363_test.json': ecdsa,
  'hkdf_sha256_test.json': hkdf,
};

/** Runs every case of a file's text. */
export async function runWycheproof(file: WycheproofFile, text: string): Promise<Tally> {
  const tally: Tally = { file, valid: 0, invalid: 0, refused: 0, ran: 0, wrong: [] };
  const { testGroups } = JSON.parse(text) as { readonly testGroups: readonly Group[] };
  for (const group of testGroups) {
    for (const test of group.tests) {
      const outcome = await runners[file](test, group);
      tally.ran += 1;
      if (outcome !== 'wrong') tally[outcome] += 1;
      if (outcome !== 'refused' && outcome !== test.result) {
        tally.wrong.push(`${test.tcId} (${test.comment}): ${outcome}, stated ${test.result}`);
      }
    }
  }
  return tally;
}

/** One line for people and logs. */
export function tallyLine({ file, valid, invalid, refused, ran }: Tally): string {
  return `wycheproof ${file}: ${valid} valid, ${invalid} invalid, ${refused} refused, ${ran} ran`;
}

/** Keys of other lengths and nonces of other lengths than the protocol's are refused by `aesKey` and by both others. */
async function aesGcm(test: Case): Promise<Outcome | 'wrong'> {
  const [key, nonce, data, message] = [of(test, 'key'), of(test, 'iv'), of(test, 'aad'), of(test, 'msg')];
  const sealed = concat(of(test, 'ct'), of(test, 'tag'));
  const imported = await primitives.aesKey(key);
  if (imported === null) return key.length === primitives.aesKeyLength ? 'wrong' : 'refused';
  const made = await primitives.sealGcm(imported, nonce, data, message);
  const opened = await primitives.openGcm(imported, nonce, data, sealed);
  if (made === null)
    return nonce.length !== primitives.gcmNonceLength && opened === null ? 'refused' : 'wrong';
  if (opened === null) return equalBytes(made, sealed) ? 'wrong' : 'invalid';
  return equalBytes(opened, message) && equalBytes(made, sealed) ? 'valid' : 'wrong';
}

async function ecdh(test: Case): Promise<Outcome | 'wrong'> {
  const point = pointOfJwk(test.public);
  const algorithm = { name: 'ECDH', namedCurve: 'P-256' };
  const own = test.private as PrivateJwk;
  const privateKey = await crypto.subtle.importKey('jwk', own, algorithm, false, ['deriveBits']);
  const shared = point === null ? null : await primitives.sharedSecret(privateKey, point);
  if (shared === null) return 'invalid';
  return equalBytes(shared, of(test, 'shared')) ? 'valid' : 'wrong';
}
interface PrivateJwk {
  readonly kty: string;
  readonly crv: string;
  readonly d: string;
  readonly x: string;
  readonly y: string;
}

async function ecdsa(test: Case, group: Group): Promise<Outcome> {
  const { uncompressed } = group.publicKey as { readonly uncompressed: string };
  const jwk = group.publicKeyJwk;
  const point = fromHex(uncompressed) ?? new Uint8Array();
  const fromJwk = jwk === undefined ? point : pointOfJwk(jwk);
  if (fromJwk === null || !equalBytes(fromJwk, point)) return 'invalid';
  return (await verify(await publicKeyOf(fromJwk), of(test, 'sig'), of(test, 'msg'))) ? 'valid' : 'invalid';
}

async function hkdf(test: Case): Promise<Outcome | 'wrong'> {
  const key = await primitives.hkdfKey(of(test, 'ikm'));
  const made = await primitives.hkdfSha256(key, of(test, 'salt'), of(test, 'info'), Number(test.size));
  if (made === null) return 'invalid';
  return equalBytes(made, of(test, 'okm')) ? 'valid' : 'wrong';
}

function of(test: Case, member: string): Bytes {
  const bytes = fromHex(String(test[member]));
  if (bytes === null) throw new Error(`Case ${test.tcId} has no hexadecimal ${member}.`);
  return bytes;
}
