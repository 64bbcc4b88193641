// The relay's own tokens as text: `ghr_<id>_<secret>` lets a client in, `ghe_<id>_<secret>` enrols a service once.
// The relay keeps a SHA-256 of the text, never the text: with 256 random bits in it no slow hash is needed.
// Token text must never reach a log or an error.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

export type TokenKind = 'ghr' | 'ghe';

export interface MintedToken {
  readonly id: string;
  readonly token: string;
  /** What is stored, base64url. */
  readonly hash: string;
}

const idAlphabet = 'abcdefghijklmnopqrstuvwxyz234567';
const idLength = 12;
const secretBytes = 32;
const tokenPattern = /^(ghr|ghe)_([a-z2-7]{12})_[A-Za-z0-9_-]{43}$/;

export function isTokenId(text: string): boolean {
  return /^[a-z2-7]{12}$/.test(text);
}

/** True for the base64url of a SHA-256. */
export function isTokenHash(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{43}$/.test(value);
}

export function mintToken(kind: TokenKind): MintedToken {
  const id = Array.from(randomBytes(idLength), (byte) => idAlphabet[byte & 31]).join('');
  const token = `${kind}_${id}_${randomBytes(secretBytes).toString('base64url')}`;
  return { id, token, hash: hashOf(token).toString('base64url') };
}

/** The id in a token of `kind`; null for any other text. */
export function tokenIdIn(token: string, kind: TokenKind): string | null {
  const match = tokenPattern.exec(token);
  return match?.[1] === kind ? (match[2] ?? null) : null;
}

/** Compares in constant time. */
export function tokenMatches(token: string, hash: string): boolean {
  return timingSafeEqual(hashOf(token), Buffer.from(hash, 'base64url'));
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest();
}
