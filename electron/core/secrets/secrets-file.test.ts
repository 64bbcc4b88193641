// secrets.json against wrong passwords, damage and concurrent writers: it opens whole or not at all, and
// nothing that fails changes the file.
import { createPublicKey, verify } from 'node:crypto';
import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isServiceId } from '../../../shared/contracts/service-id.ts';
import { newIdentityKey, openIdentity, serviceIdOf } from './identity.ts';
import { newPasswordKeyParameters } from './password-key.ts';
import { createSecrets, unlockSecrets } from './secrets-file.ts';

let folder = '';
let path = '';
const password = 'correct horse';
const cheap = () => newPasswordKeyParameters(2 ** 14);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-secrets-'));
  path = join(folder, 'secrets.json');
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

interface RawFile {
  v: number;
  kdf: Record<string, unknown>;
  wrappedKey: Record<string, string>;
  payload: Record<string, string>;
}
const readRaw = async () => JSON.parse(await readFile(path, 'utf8')) as RawFile;
const fingerprint = 'ab'.repeat(32);

describe('secrets.json', () => {
  it('opens with its password, mode 0600, and holds nothing in the clear', async () => {
    const made = await (await createSecrets(path, password, cheap())).read();
    const read = await (await unlockSecrets(path, password)).read();
    expect(read).toEqual(made);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const text = await readFile(path, 'utf8');
    expect(text).not.toContain('PRIVATE KEY');
    expect(text).not.toContain(made.fakeSaltKey);
    expect(text).not.toContain(password);
    expect(await readdir(folder)).toEqual(['secrets.json']);
  });

  it('uses scrypt with N = 2^17 by default', async () => {
    await createSecrets(path, password);
    expect((await readRaw()).kdf).toMatchObject({ name: 'scrypt', N: 131072, r: 8, p: 1 });
  });

  it('refuses a wrong or empty password with its own code and touches nothing', async () => {
    const secrets = await createSecrets(path, password, cheap());
    const before = await readFile(path);
    for (const [given, code] of [
      ['correct horsf', 'superadmin_password_wrong'],
      ['correct horse ', 'superadmin_password_wrong'],
      ['', 'superadmin_password_required'],
    ] as const) {
      await expect(unlockSecrets(path, given)).rejects.toMatchObject({ code });
      await expect(secrets.changePassword(given, 'new')).rejects.toMatchObject({ code });
    }
    await expect(secrets.changePassword(password, '')).rejects.toMatchObject({
      code: 'superadmin_password_required',
    });
    expect(await readFile(path)).toEqual(before);
  });

  it('takes the same password however the keyboard composes it', async () => {
    await createSecrets(path, 'Schl\u00fcssel', cheap());
    await unlockSecrets(path, 'Schlu\u0308ssel');
  });

  it('never replaces a file that is there, and is not made beside a certificate whose password it had', async () => {
    await createSecrets(path, password, cheap());
    const before = await readFile(path);
    await expect(createSecrets(path, 'other', cheap())).rejects.toMatchObject({ code: 'secrets_exist' });
    expect(await readFile(path)).toEqual(before);
    await rm(path);
    for (const name of ['e2ee.key', 'e2ee.pem']) {
      await writeFile(join(folder, name), 'x');
      await expect(createSecrets(path, password, cheap())).rejects.toMatchObject({ code: 'secrets_missing' });
      await rm(join(folder, name));
    }
    await expect(unlockSecrets(path, password)).rejects.toMatchObject({ code: 'secrets_missing' });
  });

  it('is refused when others can read it', async () => {
    await createSecrets(path, password, cheap());
    await chmod(path, 0o644);
    await expect(unlockSecrets(path, password)).rejects.toMatchObject({ code: 'file_too_open' });
  });

  const flip = (text: string) => {
    const bytes = Buffer.from(text, 'base64');
    bytes[bytes.length >> 1]! ^= 1;
    return bytes.toString('base64');
  };
  const damages: readonly [string, string, (file: RawFile) => unknown][] = [
    ['is half-written', 'secrets_corrupt', (file) => JSON.stringify(file).slice(0, 300)],
    ['is empty', 'secrets_corrupt', () => ''],
    ['is null', 'secrets_corrupt', () => null],
    ['is of another version', 'secrets_corrupt', (file) => ({ ...file, v: 2 })],
    ['has no payload', 'secrets_corrupt', ({ payload: _, ...file }) => file],
    ...(['nonce', 'ciphertext', 'tag'] as const).flatMap(
      (field): [string, string, (f: RawFile) => unknown][] => [
        [
          `has a bit flipped in the payload's ${field}`,
          'secrets_corrupt',
          (file) => ({ ...file, payload: { ...file.payload, [field]: flip(file.payload[field]!) } }),
        ],
        [
          `has a bit flipped in the wrapped key's ${field}`,
          'superadmin_password_wrong',
          (file) => ({ ...file, wrappedKey: { ...file.wrappedKey, [field]: flip(file.wrappedKey[field]!) } }),
        ],
        [
          `has a truncated ${field}`,
          'secrets_corrupt',
          (file) => ({ ...file, wrappedKey: { ...file.wrappedKey, [field]: 'AAAA' } }),
        ],
      ],
    ),
    [
      'has the two boxes exchanged',
      'secrets_corrupt',
      (f) => ({ ...f, payload: f.wrappedKey, wrappedKey: f.payload }),
    ],
    [
      'has a wrapped key in place of the payload',
      'secrets_corrupt',
      (file) => ({ ...file, payload: file.wrappedKey }),
    ],
    [
      'has base64 with noise in it',
      'secrets_corrupt',
      (f) => ({ ...f, payload: { ...f.payload, tag: `${f.payload.tag!} ` } }),
    ],
    ...[2 ** 13, 2 ** 21, 2 ** 40, 20_000, -1, 0, 1.5, '16384', null].map(
      (N): [string, string, (file: RawFile) => unknown] => [
        `asks for a scrypt cost of ${String(N)}`,
        'secrets_corrupt',
        (file) => ({ ...file, kdf: { ...file.kdf, N } }),
      ],
    ),
    ['asks for r = 1024', 'secrets_corrupt', (file) => ({ ...file, kdf: { ...file.kdf, r: 1024 } })],
    ['asks for p = 16', 'secrets_corrupt', (file) => ({ ...file, kdf: { ...file.kdf, p: 16 } })],
    ['names another KDF', 'secrets_corrupt', (file) => ({ ...file, kdf: { ...file.kdf, name: 'none' } })],
    ['has a short salt', 'secrets_corrupt', (file) => ({ ...file, kdf: { ...file.kdf, salt: 'AAAA' } })],
  ];
  it.each(damages)('that %s is refused as %s and left as it is', async (_what, code, damage) => {
    const secrets = await createSecrets(path, password, cheap());
    const damaged = damage(await readRaw());
    const text = typeof damaged === 'string' ? damaged : JSON.stringify(damaged);
    await writeFile(path, text);
    await expect(unlockSecrets(path, password)).rejects.toMatchObject({ code });
    if (code === 'secrets_corrupt') {
      await expect(secrets.update((payload) => payload)).rejects.toMatchObject({ code });
    }
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  it('lets a running service read what another process changed, also after a change of password', async () => {
    const running = await createSecrets(path, password, cheap());
    const other = await unlockSecrets(path, password);
    await other.changePassword(password, 'new one');
    await other.update((payload) => ({ ...payload, keyPasswords: { [fingerprint]: 'pw' } }));
    expect((await running.read()).keyPasswords).toEqual({ [fingerprint]: 'pw' });
    await expect(unlockSecrets(path, password)).rejects.toMatchObject({ code: 'superadmin_password_wrong' });
    await unlockSecrets(path, 'new one');
  });

  it('loses no concurrent update, and keeps fields that it does not know', async () => {
    const secrets = await createSecrets(path, password, cheap());
    await secrets.update((payload) => ({ ...payload, ofTheFuture: { a: 1 } }));
    const names = Array.from({ length: 8 }, (_, index) => String(index).repeat(64));
    await Promise.all(
      names.map((name) =>
        secrets.update((payload) => ({ ...payload, keyPasswords: { ...payload.keyPasswords, [name]: 'p' } })),
      ),
    );
    const payload = await secrets.read();
    expect(Object.keys(payload.keyPasswords).sort()).toEqual(names);
    expect(payload).toMatchObject({ ofTheFuture: { a: 1 } });
  });

  it('never uses a nonce twice', async () => {
    const secrets = await createSecrets(path, password, cheap());
    const nonces = new Set<string>();
    for (let i = 0; i < 5; i += 1) {
      await secrets.update((payload) => payload);
      nonces.add((await readRaw()).payload.nonce!);
    }
    expect(nonces.size).toBe(5);
  });

  it('shows neither key nor payload when it is logged', async () => {
    const { inspect } = await import('node:util');
    const secrets = await createSecrets(path, password, cheap());
    expect(inspect(secrets, { depth: 9, showHidden: true })).not.toMatch(/Buffer|PRIVATE/);
    expect(JSON.stringify(secrets)).toBe('{}');
  });
});

describe('the service identity', () => {
  it('derives its id from the first 60 bits of SHA-256 over the raw public key, in base32', () => {
    // RFC 8032 section 7.1, test 1; SHA-256 and base32 of it by coreutils.
    const publicKey = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex');
    expect(serviceIdOf(publicKey)).toBe('eh7d-dx5b-ksrg');
  });

  it('signs so that the raw public key verifies', () => {
    const identity = openIdentity(newIdentityKey());
    expect(isServiceId(identity.serviceId)).toBe(true);
    expect(identity.publicKey).toHaveLength(32);
    const key = createPublicKey({
      format: 'jwk',
      key: { kty: 'OKP', crv: 'Ed25519', x: identity.publicKey.toString('base64url') },
    });
    const signature = identity.sign(Buffer.from('proof'));
    expect(verify(null, Buffer.from('proof'), key, signature)).toBe(true);
    expect(verify(null, Buffer.from('proog'), key, signature)).toBe(false);
  });

  it.each(['', 'x', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'])(
    'is identity_corrupt for the key %j',
    (pem) => {
      expect(() => openIdentity(pem)).toThrow(expect.objectContaining({ code: 'identity_corrupt' }) as Error);
    },
  );

  it('refuses a private key of another kind', async () => {
    const { generateKeyPairSync } = await import('node:crypto');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(() => openIdentity(pem)).toThrow('no Ed25519 key');
  });
});
