// The keys of the trial's OpenID Connect provider: made once, kept with mode 0600, so that a trial that starts again is
// the same issuer with the same keys. They sign nothing that anybody outside the trial should believe.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { JWK } from 'oidc-provider';
import * as v from 'valibot';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import {
  ensurePrivateFolder,
  readFileIfThere,
  writeFileAtomic,
} from '../../../shared/storage/atomic-file.ts';
import { assertPrivate } from '../../../shared/storage/private-file.ts';

export interface TrialKeys {
  readonly signing: JWK;
  /** Signs the cookies of the sign-in page. */
  readonly cookie: string;
}

const schema = v.object({
  signing: v.object({
    kty: v.literal('EC'),
    crv: v.literal('P-256'),
    x: v.string(),
    y: v.string(),
    d: v.string(),
    kid: v.string(),
    alg: v.literal('ES256'),
    use: v.literal('sig'),
  }),
  cookie: v.pipe(v.string(), v.minLength(32)),
});

/** @throws GatehouseError `storage_failed`, `file_too_open` */
export async function trialKeys(folder: string): Promise<TrialKeys> {
  const path = join(folder, 'keys.json');
  const bytes = await readFileIfThere(path);
  if (bytes === null) {
    const keys = makeKeys();
    await ensurePrivateFolder(folder);
    await writeFileAtomic(path, JSON.stringify(keys));
    return keys;
  }
  await assertPrivate(path);
  const parsed = v.safeParse(schema, parseJson(bytes));
  if (parsed.success) return parsed.output;
  throw new GatehouseError('storage_failed', `${path} is damaged. Remove it: the trial then makes new keys.`);
}

function makeKeys(): v.InferOutput<typeof schema> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '', d = '' } = privateKey.export({ format: 'jwk' });
  const kid = randomBytes(8).toString('hex');
  const signing = { kty: 'EC', crv: 'P-256', x, y, d, kid, alg: 'ES256', use: 'sig' } as const;
  return { signing, cookie: randomBytes(32).toString('base64url') };
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
}
