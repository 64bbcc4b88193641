// The part of the crypto contract that runs third-party vectors (Wycheproof), read in place, never copied.
// A vector states the failure that is expected: an invalid one that is accepted breaks the contract.
// Only what both OpenSSL and BoringSSL offer, and what Gatehouse uses, is run.
import assert from 'node:assert/strict';
import { createDecipheriv, createPublicKey, hkdfSync, verify, webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CryptoCheck } from './crypto-contract.ts';

interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly result: 'valid' | 'invalid';
}

interface Group<V> {
  readonly tests: readonly V[];
}

interface GcmVector extends Vector, Record<'key' | 'iv' | 'aad' | 'msg' | 'ct' | 'tag', string> {}
interface EcdsaVector extends Vector, Record<'msg' | 'sig', string> {}
interface HkdfVector extends Vector, Record<'ikm' | 'salt' | 'info' | 'okm', string> {
  readonly size: number;
}
interface EcdhVector extends Vector {
  readonly public: webcrypto.JsonWebKey;
  readonly private: webcrypto.JsonWebKey;
  readonly shared: string;
}

/** The checks for the vectors in `folder`, whose files are named as Wycheproof names them. */
export function cryptoVectors(folder: string): readonly CryptoCheck[] {
  const read = (name: string): readonly never[] =>
    (JSON.parse(readFileSync(join(folder, name), 'utf8')) as { testGroups: readonly never[] }).testGroups;
  return [
    { name: 'Wycheproof: AES-GCM', run: () => runGcm(read('aes_gcm_test.json')) },
    { name: 'Wycheproof: ECDSA P-256 in IEEE P1363 form', run: () => runEcdsa(read(ECDSA_FILE)) },
    {
      name: 'Wycheproof: ECDH P-256 in WebCrypto',
      run: () => runEcdh(read('ecdh_secp256r1_webcrypto_test.json')),
    },
    { name: 'Wycheproof: HKDF-SHA-256', run: () => runHkdf(read('hkdf_sha256_test.json')) },
  ];
}

const ECDSA_FILE = 'ecdsa_secp256r1_sha256_p1363_test.json';

interface GcmGroup extends Group<GcmVector> {
  readonly ivSize: number;
  readonly keySize: number;
}

/** Nonces of 96 bits, the only ones used, and those of no bits, which must be refused. */
async function runGcm(groups: readonly GcmGroup[]): Promise<void> {
  const used = groups.filter(({ ivSize }) => ivSize === 96 || ivSize === 0);
  await runAll(used, (vector, { keySize }) => {
    const name = `aes-${String(keySize)}-gcm` as 'aes-256-gcm';
    const decipher = createDecipheriv(name, hex(vector.key), hex(vector.iv), { authTagLength: 16 });
    decipher.setAAD(hex(vector.aad));
    decipher.setAuthTag(hex(vector.tag));
    const text = Buffer.concat([decipher.update(hex(vector.ct)), decipher.final()]);
    return text.equals(hex(vector.msg));
  });
}

interface EcdsaGroup extends Group<EcdsaVector> {
  readonly publicKeyPem: string;
}

async function runEcdsa(groups: readonly EcdsaGroup[]): Promise<void> {
  await runAll(groups, (vector, { publicKeyPem }) => {
    const key = { key: createPublicKey(publicKeyPem), dsaEncoding: 'ieee-p1363' } as const;
    return verify('sha256', hex(vector.msg), key, hex(vector.sig));
  });
}

async function runEcdh(groups: readonly Group<EcdhVector>[]): Promise<void> {
  const { subtle } = webcrypto;
  const curve = { name: 'ECDH', namedCurve: 'P-256' };
  await runAll(groups, async (vector) => {
    const ours = await subtle.importKey('jwk', vector.private, curve, false, ['deriveBits']);
    const theirs = await subtle.importKey('jwk', vector.public, curve, false, []);
    const bits = await subtle.deriveBits({ name: 'ECDH', public: theirs }, ours, 256);
    return Buffer.from(bits).equals(hex(vector.shared));
  });
}

async function runHkdf(groups: readonly Group<HkdfVector>[]): Promise<void> {
  await runAll(groups, (vector) => {
    const { ikm, salt, info, size, okm } = vector;
    return Buffer.from(hkdfSync('sha256', hex(ikm), hex(salt), hex(info), size)).equals(hex(okm));
  });
}

/** Runs `accepts` for each vector; throwing counts as refusing. */
async function runAll<V extends Vector, G extends Group<V>>(
  groups: readonly G[],
  accepts: (vector: G['tests'][number], group: G) => boolean | Promise<boolean>,
): Promise<void> {
  let count = 0;
  for (const group of groups) {
    for (const vector of group.tests) {
      const outcome = await attempt(() => accepts(vector, group));
      assert.equal(outcome, vector.result === 'valid', `vector ${String(vector.tcId)}: ${vector.comment}`);
      count += 1;
    }
  }
  assert.ok(count > 0, 'no vectors were run');
}

async function attempt(accepts: () => boolean | Promise<boolean>): Promise<boolean> {
  try {
    return await accepts();
  } catch {
    return false;
  }
}

function hex(digits: string): Buffer {
  return Buffer.from(digits, 'hex');
}
