// Certificate fingerprints as people write them: parsed into one canonical form, and formatted back.
// Pure text, so that the console's renderer, the client and the service read them alike.
// Must never echo what was pasted (it may be a secret in the wrong field) beyond its first wrong character,
// and never accept anything but the 32 bytes of a SHA-256.
import { GatehouseError } from './errors.ts';

/** Longest text that is looked at, in UTF-16 units; the longest sensible paste has about 120. */
const MAX_TEXT = 1024;
const HEX_DIGITS = 64;
const SHA1_HEX_DIGITS = 40;
const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const QUOTES = /^[\s"'`‘’“”«»]+|[\s"'`‘’“”«»]+$/g;
/** `SHA256:`, `sha256/`, `SHA-256 Fingerprint=`, `e2ee_fingerprint=`: which hash, if any, is group 1. */
const LABEL =
  /^(?:(sha-?(?:1|224|256|384|512)|md5)(?=[\s:=/]))?\s*(?:(?:e2ee_)?fingerprints?(?=[\s:=]))?\s*[:=/]?\s*/i;

/**
 * The fingerprint in `text` as 64 lower-case hex digits. Takes hex of any case with or without colons,
 * spaces, dashes and line breaks; `SHA256:` and its relatives before it; quotes around it; and OpenSSH's
 * `SHA256:` with base64. Throws `fingerprint_invalid` with a reason otherwise.
 */
export function parseFingerprint(text: string): string {
  if (text.length > MAX_TEXT) throw invalid(`the text is longer than ${String(MAX_TEXT)} characters`);
  const bare = text.replace(QUOTES, '');
  const label = LABEL.exec(bare);
  const hash = label?.[1]?.toLowerCase().replace('-', '');
  if (hash !== undefined && hash !== 'sha256') throw otherHash(hash);
  const body = bare.slice(label?.[0].length ?? 0).replace(QUOTES, '');
  const fromBase64 = hash === undefined ? null : hexOfBase64(body);
  return fromBase64 ?? hexOfDigits(body, text);
}

/**
 * For people: four lines of four groups of four lower-case digits, lines joined by `\n`. Takes and refuses
 * what `parseFingerprint` does.
 */
export function formatFingerprint(fingerprint: string): string {
  const groups = parseFingerprint(fingerprint).match(/.{4}/g) ?? [];
  const lines = [0, 4, 8, 12].map((start) => groups.slice(start, start + 4).join(' '));
  return lines.join('\n');
}

/** As openssl prints it: 32 upper-case pairs joined by colons. As `formatFingerprint` otherwise. */
export function formatFingerprintColons(fingerprint: string): string {
  const pairs = parseFingerprint(fingerprint).toUpperCase().match(/../g) ?? [];
  return pairs.join(':');
}

function hexOfDigits(body: string, text: string): string {
  const wrong = /[^0-9a-fA-F:\s-]/u.exec(body);
  if (wrong !== null) throw invalid(`${nameCharacter(wrong[0])} is no hexadecimal digit`);
  const digits = body.replace(/[:\s-]/g, '').toLowerCase();
  if (digits.length === SHA1_HEX_DIGITS) throw otherHash('sha1');
  if (digits.length === HEX_DIGITS) return digits;
  if (text.trim() === '') throw invalid('the text is empty');
  throw invalid(`it has ${String(digits.length)} hexadecimal digits instead of ${String(HEX_DIGITS)}`);
}

/** OpenSSH's form: 43 characters, one optional `=`, the two spare bits zero (RFC 4648 section 3.5). */
function hexOfBase64(body: string): string | null {
  const match = /^([A-Za-z0-9+/]{42}[AEIMQUYcgkosw048])=?$/.exec(body);
  if (match?.[1] === undefined || /^[0-9a-fA-F]+$/.test(match[1])) return null;
  const bits = Array.from(match[1], (char) => BASE64.indexOf(char).toString(2).padStart(6, '0')).join('');
  const nibbles = bits.slice(0, HEX_DIGITS * 4).match(/.{4}/g) ?? [];
  return nibbles.map((nibble) => Number.parseInt(nibble, 2).toString(16)).join('');
}

/** A character for a message: itself only where it is visible ASCII, so that no terminal obeys it. */
function nameCharacter(char: string): string {
  const code = `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  return /^[\x21-\x7e]$/.test(char) ? `"${char}" (${code})` : code;
}

function otherHash(hash: string): GatehouseError {
  const name = hash === 'md5' ? 'MD5' : hash.replace('sha', 'SHA-');
  return invalid(`that is a${name === 'MD5' ? 'n' : ''} ${name} fingerprint; ask for the SHA-256`);
}

function invalid(reason: string): GatehouseError {
  const message = `This is no SHA-256 fingerprint: ${reason}. Ask the service's administrator for it and paste all of it.`;
  return new GatehouseError('fingerprint_invalid', message, { details: { reason } });
}
