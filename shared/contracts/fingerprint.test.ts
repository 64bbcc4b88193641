// Every form in which a person pastes a fingerprint, and every near miss with its reason.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GatehouseError } from './errors.ts';
import { formatFingerprint, formatFingerprintColons, parseFingerprint } from './fingerprint.ts';

const HEX = '7f780a1b2c3d4e5f60718293a4b5c6d7e8f9000102030405060708090a0b0cff';
const UPPER = HEX.toUpperCase();
const COLONS = UPPER.replace(/(..)(?!$)/g, '$1:');
const SPACED = HEX.replace(/(....)(?!$)/g, '$1 ');
const BASE64 = Buffer.from(HEX, 'hex').toString('base64');

function refusal(text: string): GatehouseError {
  try {
    parseFingerprint(text);
  } catch (error) {
    if (error instanceof GatehouseError) return error;
  }
  throw new Error(`was not refused with a GatehouseError: ${JSON.stringify(text)}`);
}

describe('parseFingerprint', () => {
  it.each([
    ['plain hex', HEX],
    ['upper case', UPPER],
    ['colons', COLONS],
    ['lower case with colons', COLONS.toLowerCase()],
    ['groups', SPACED],
    ['dashes', COLONS.replaceAll(':', '-')],
    ['white space around', `\t ${HEX}\r\n`],
    ['line breaks', `${HEX.slice(0, 32)}\r\n  ${HEX.slice(32)}`],
    ['a no-break space', `${HEX.slice(0, 32)}\u00a0${HEX.slice(32)}`],
    ['its own four lines', formatFingerprint(HEX)],
    ['its own colons', formatFingerprintColons(HEX)],
    ['SHA256: before it', `SHA256:${HEX}`],
    ['sha256/ before it', `sha256/${HEX}`],
    ['sha-256 fingerprint= before it', `sha-256 fingerprint=${HEX}`],
    ['what openssl prints', `sha256 Fingerprint=${COLONS}\n`],
    ['what older openssl prints', `SHA256 Fingerprint=${COLONS}\n`],
    ['what a browser shows', `SHA-256 Fingerprint:\n${COLONS}`],
    ["the option's name before it", `e2ee_fingerprint="${HEX}"`],
    ['double quotes', `"${COLONS}"`],
    ['typographic quotes', `“${COLONS}”`],
    ['a label inside quotes', `'SHA256:${HEX}'`],
    ['OpenSSH base64', `SHA256:${BASE64.slice(0, 43)}`],
    ['padded base64', `sha256/${BASE64}`],
  ])('takes %s', (_name, text) => {
    expect(parseFingerprint(text)).toBe(HEX);
  });

  it('takes digits that begin like a label', () => {
    const digits = `e2ee${HEX.slice(4)}`;
    expect(parseFingerprint(digits)).toBe(digits);
  });

  it.each([
    ['nothing', '', 'empty'],
    ['white space', ' \n', 'empty'],
    ['a digit too few', HEX.slice(1), 'it has 63 hexadecimal digits instead of 64'],
    ['a digit too many', `${HEX}0`, 'it has 65 hexadecimal digits instead of 64'],
    ['two fingerprints', `${HEX}\n${HEX}`, 'it has 128 hexadecimal digits'],
    ['a SHA-1', HEX.slice(0, 40), 'that is a SHA-1 fingerprint; ask for the SHA-256'],
    ['a labelled SHA-1', `SHA1 Fingerprint=${COLONS.slice(0, 59)}`, 'that is a SHA-1 fingerprint'],
    ['an MD5', `MD5:${COLONS.slice(0, 47)}`, 'that is an MD5 fingerprint'],
    ['a SHA-512', `SHA512:${HEX}${HEX}`, 'that is a SHA-512 fingerprint'],
    ['another letter', `${HEX.slice(1)}g`, '"g" (U+0067) is no hexadecimal digit'],
    ['a letter O for a zero', `O${HEX.slice(1)}`, '"O" (U+004F)'],
    ['a Cyrillic а', `а${HEX.slice(1)}`, 'U+0430 is no hexadecimal digit'],
    ['a full-width digit', `７${HEX.slice(1)}`, 'U+FF17'],
    ['an Arabic digit', `٧${HEX.slice(1)}`, 'U+0667'],
    ['a zero-width space', `${HEX.slice(0, 32)}\u200b${HEX.slice(32)}`, 'U+200B'],
    ['a terminal escape', `\u001b[31m${HEX}`, 'U+001B'],
    ['an astral character', `😀${HEX.slice(1)}`, 'U+1F600'],
    ['base64 without its label', BASE64, 'is no hexadecimal digit'],
    ['base64 of 31 bytes', `SHA256:${Buffer.alloc(31, 7).toString('base64')}`, 'hexadecimal digit'],
    ['base64 of 33 bytes', `SHA256:${Buffer.alloc(33, 7).toString('base64')}`, 'hexadecimal digit'],
    ['base64 with spare bits set', `SHA256:${BASE64.slice(0, 42)}9`, 'hexadecimal digit'],
    ['far too much', HEX.repeat(20), 'longer than 1024 characters'],
  ])('refuses %s with its reason', (_name, text, reason) => {
    const error = refusal(text);
    expect(error.code).toBe('fingerprint_invalid');
    expect(error.message).toContain(reason);
  });

  it('echoes no more than one character of a secret pasted into the wrong field', () => {
    const token = `gh_abcdefghijkl_${'S3cr-t_'.repeat(6)}x`;
    const { message, details } = refusal(token);
    expect(message + JSON.stringify(details)).not.toContain('S3cr');
    expect(message).toContain('"g" (U+0067)');
  });

  it('takes what it formats, for all fingerprints', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const hex = Buffer.from(bytes).toString('hex');
        expect(parseFingerprint(formatFingerprint(hex))).toBe(hex);
        expect(parseFingerprint(formatFingerprintColons(hex))).toBe(hex);
        expect(parseFingerprint(`SHA256:${Buffer.from(bytes).toString('base64').slice(0, 43)}`)).toBe(hex);
      }),
    );
  });

  it('returns 64 lower-case digits or refuses, for any text', () => {
    const alphabet = fc.constantFrom(...'0123456789abcdefABCDEF:- \n="SHAsha256/+gО７');
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: alphabet, maxLength: 130 })),
        (text) => {
          try {
            expect(parseFingerprint(text)).toMatch(/^[0-9a-f]{64}$/);
          } catch (error) {
            expect(error).toMatchObject({ code: 'fingerprint_invalid' });
          }
        },
      ),
    );
  });
});

describe('formatFingerprint', () => {
  it('shows four lines of four groups of four digits', () => {
    expect(formatFingerprint(HEX)).toBe(
      '7f78 0a1b 2c3d 4e5f\n6071 8293 a4b5 c6d7\ne8f9 0001 0203 0405\n0607 0809 0a0b 0cff',
    );
  });

  it('shows pairs joined by colons as openssl does', () => {
    expect(formatFingerprintColons(HEX)).toBe(COLONS);
  });
});
