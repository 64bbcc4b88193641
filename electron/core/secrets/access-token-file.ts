// One access token as it stands on disk: what SCRAM needs to check it, never the token nor its secret.
// Parsing fails whole: a file that is damaged, or was copied from another token's, is no token.
import * as v from 'valibot';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { SCRAM_HASH_BYTES, SCRAM_ITERATIONS, SCRAM_SALT_BYTES } from '../../../shared/e2ee/scram/keys.ts';
import { base64Bytes } from './sealed-box.ts';

const maxUserCharacters = 128;
/** Milliseconds since the epoch, up to the last that a Date can hold. */
const timeSchema = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(8.64e15));
const userSchema = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(maxUserCharacters),
  v.regex(/^[^\p{C}\p{Zl}\p{Zp}]+$/u),
  v.check((text) => text.trim() === text, 'has spaces around it'),
);

const fileSchema = v.object({
  v: v.literal(1),
  id: v.pipe(v.string(), v.regex(/^[a-z2-7]{12}$/)),
  user: userSchema,
  createdAt: timeSchema,
  expiresAt: v.nullable(timeSchema),
  revokedAt: v.nullable(timeSchema),
  scram: v.object({
    salt: base64Bytes(SCRAM_SALT_BYTES.min, SCRAM_SALT_BYTES.max),
    iterations: v.pipe(
      v.number(),
      v.integer(),
      v.minValue(SCRAM_ITERATIONS.min),
      v.maxValue(SCRAM_ITERATIONS.max),
    ),
    storedKey: base64Bytes(SCRAM_HASH_BYTES, SCRAM_HASH_BYTES),
    serverKey: base64Bytes(SCRAM_HASH_BYTES, SCRAM_HASH_BYTES),
  }),
});

export type AccessTokenRecord = Readonly<v.InferOutput<typeof fileSchema>>;
export type AccessTokenStatus = 'active' | 'expired' | 'revoked';

/** 12 characters of base32: SCRAM's user name, and the name of the file. */
export function isAccessTokenId(text: string): boolean {
  return /^[a-z2-7]{12}$/.test(text);
}

/** A revoked token stays revoked when its time has run out. `now` in milliseconds since the epoch. */
export function statusOf(token: AccessTokenRecord, now: number): AccessTokenStatus {
  if (token.revokedAt !== null) return 'revoked';
  return token.expiresAt !== null && token.expiresAt <= now ? 'expired' : 'active';
}

/** @throws GatehouseError `usage` for a name of a remote user that cannot be printed on one line */
export function checkUserName(user: string): void {
  if (v.is(userSchema, user)) return;
  const message = `A remote user's name has 1 to ${String(maxUserCharacters)} printable characters and no spaces around it.`;
  throw new GatehouseError('usage', message);
}

/** @throws GatehouseError `access_token_corrupt` where `bytes` are not the file of the token `id` */
export function parseAccessTokenFile(id: string, bytes: Buffer): AccessTokenRecord {
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), fileSchema), bytes.toString('utf8'));
  if (result.success && result.output.id === id) return result.output;
  const message = `The file of access token ${id} is damaged, so that token is not accepted. Remove the file and make a new token for its user.`;
  throw new GatehouseError('access_token_corrupt', message, { details: { id } });
}

export function formatAccessTokenFile({ scram, ...token }: AccessTokenRecord): string {
  const { salt, iterations, storedKey, serverKey } = scram;
  const keys = { storedKey: storedKey.toString('base64'), serverKey: serverKey.toString('base64') };
  return `${JSON.stringify({ ...token, scram: { salt: salt.toString('base64'), iterations, ...keys } }, null, 2)}\n`;
}
