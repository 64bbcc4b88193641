// Secrets in many shapes, for the tests of payload capture. Test code: nothing that ships may import it.
import type { RedactionRule } from '../../../shared/contracts/console/models.ts';

/** No part of it of four characters is anywhere else in a sample. */
export const sampleSecret = 'Zq7Wv9Xk3Jh5';
export const sampleToken = `gh_abcdefghij23_${sampleSecret}${sampleSecret}${sampleSecret}QQQQQQQ`;

export interface SecretSample {
  readonly name: string;
  readonly text: string;
  readonly rules?: readonly RedactionRule[];
}

const keyBody = `MIGHAgEAMBMG${sampleSecret}\n${sampleSecret}ByqGSM49\n`;
const pem = `-----BEGIN PRIVATE KEY-----\n${keyBody}-----END PRIVATE KEY-----\n`;

function json(value: unknown): string {
  return JSON.stringify(value);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** Every character as \u00XX. */
function escaped(text: string): string {
  return text.replace(/[^]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const names = ['password', 'passphrase', 'token', 'secret', 'authorization', 'cookie', 'key', 'apiKey'];

export const secretSamples: readonly SecretSample[] = [
  ...names.map((name) => ({ name: `a member ${name}`, text: json({ a: 1, [name]: sampleSecret, z: 2 }) })),
  ...[
    'PASSWORD',
    'PassWord',
    'api_key',
    'API-KEY',
    'apikey',
    'accessToken',
    'client_secret',
    'set-cookie',
  ].map((name) => ({ name: `a member ${name}`, text: json({ [name]: sampleSecret }) })),
  { name: 'a deep member', text: json([[{ a: { b: [{ password: sampleSecret }] } }]]) },
  { name: 'an array', text: json({ cookie: ['a', sampleSecret, ['b', sampleSecret]], z: 1 }) },
  { name: 'an object', text: json({ secret: { a: 1, b: sampleSecret }, z: 1 }) },
  { name: 'an object with brackets in strings', text: json({ secret: { a: '}"]', b: sampleSecret } }) },
  { name: 'quotes and backslashes in the value', text: json({ password: `a"b\\"c\\${sampleSecret}` }) },
  { name: 'a value after a backslash at the end', text: json({ key: 'a\\', token: sampleSecret }) },
  { name: 'a quote in the value before', text: json({ x: '":"', y: '"', password: sampleSecret }) },
  { name: 'pretty-printed JSON', text: JSON.stringify({ a: { password: sampleSecret } }, null, 4) },
  { name: 'white space around the colon', text: `{"password" \r\n\t : \n "${sampleSecret}"}` },
  { name: 'JSON in JSON', text: json({ body: json({ password: sampleSecret, n: 1 }) }) },
  { name: 'JSON in JSON in JSON', text: json({ a: json({ b: json({ token: `"${sampleSecret}"` }) }) }) },
  { name: 'pretty-printed JSON in JSON', text: json({ a: JSON.stringify({ key: sampleSecret }, null, 2) }) },
  { name: 'an escaped name', text: `{"${escaped('password')}":"${sampleSecret}"}` },
  { name: 'a half escaped name', text: `{"p\\u0061ssw\\u006Frd":"${sampleSecret}"}` },
  { name: 'an escaped name in JSON in JSON', text: json({ a: `{"p\\u0061ssword":"${sampleSecret}"}` }) },
  { name: 'escaped quotes', text: `{"a":"{\\u0022password\\u0022:\\u0022${sampleSecret}\\u0022}"}` },
  { name: 'lines of JSON', text: `{"a":1}\n{"password":"${sampleSecret}"}\n` },
  { name: 'broken JSON', text: `{"a":"b"c","password":"${sampleSecret}"` },
  { name: 'a name in single quotes', text: `{'password':'${sampleSecret}'}` },
  { name: 'a name without quotes', text: `{password:"${sampleSecret}"}` },
  { name: 'an arrow', text: `{"password"=>"${sampleSecret}"}` },
  { name: 'bytes of another language', text: `{"password": b"${sampleSecret}"}` },
  { name: 'a line break in the value', text: `{"password":"a\n${sampleSecret}"}` },
  { name: 'a form', text: `user=anna&password=${sampleSecret}&x=1` },
  { name: 'a form that starts with it', text: `password=${sampleSecret}` },
  { name: 'a form in JSON', text: json({ body: `user=a\npassword=${sampleSecret}&x=1` }) },
  { name: 'a header', text: `POST / HTTP/1.1\r\nAuthorization: Bearer ${sampleSecret}\r\n\r\n` },
  { name: 'a proxy header', text: `a: b\r\nproxy-authorization: Basic ${sampleSecret}\r\n` },
  { name: 'a cookie with many parts', text: `a: b\r\ncookie: a=b; c=${sampleSecret}; d=e\r\n` },
  { name: 'a header in JSON', text: json({ head: `a: b\r\nset-cookie: x=${sampleSecret}; y\r\nc: d` }) },
  {
    name: 'headers as pairs',
    text: json([
      ['host', 'a'],
      ['cookie', `a=${sampleSecret}`],
    ]),
  },
  { name: 'a connection string', text: `Server=a;Password=${sampleSecret};Database=b` },
  { name: 'a password with a quote, as text', text: `password=a"b${sampleSecret}` },
  { name: 'an access token', text: json({ any: sampleToken }) },
  { name: 'an access token in text', text: `use ${sampleToken}, it is good` },
  { name: 'an access token in a path', text: json({ url: `/a/${sampleToken}/b` }) },
  { name: 'an access token with escapes', text: `{"a":"${sampleToken.replaceAll('_', '\\u005f')}"}` },
  { name: 'an access token, percent-encoded', text: `a=${sampleToken.replaceAll('_', '%5F')}` },
  { name: 'an access token as a name', text: json({ [sampleToken]: 1 }) },
  { name: 'an access token across lines', text: `a: ${sampleToken.slice(0, 8)}\r\n ${sampleToken.slice(8)}` },
  {
    name: 'an access token in two strings',
    text: `"${sampleToken.slice(0, 9)}" + "${sampleToken.slice(9)}"`,
  },
  { name: 'a private key', text: pem },
  { name: 'a private key in JSON', text: json({ file: pem, n: 1 }) },
  { name: 'a private key in JSON in JSON', text: json({ a: json({ file: pem }) }) },
  { name: 'an encrypted private key', text: pem.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE') },
  { name: 'an EC private key', text: pem.replaceAll('PRIVATE', 'EC PRIVATE') },
  { name: 'a private key without an end', text: pem.slice(0, 60) },
  {
    name: 'a pattern',
    text: json({ a: `x-${sampleSecret}-y` }),
    rules: [{ kind: 'pattern', pattern: '[A-Z][A-Za-z0-9]{11}' }],
  },
  {
    name: 'a named member',
    text: json({ pinCode: sampleSecret }),
    rules: [{ kind: 'member', name: 'PIN_code' }],
  },
];

/** As `secretSamples`, in encodings that hide the secret itself: to be looked for in the encoding. */
export const encodedSamples: readonly { name: string; text: string; hidden: string }[] = [
  {
    name: 'base64 of JSON',
    text: json({ a: base64(json({ b: 1, password: sampleSecret })) }),
    hidden: base64(json({ b: 1, password: sampleSecret })).slice(20, 40),
  },
  {
    name: 'base64 of user and token',
    text: `x: Basic ${base64(`anna:${sampleToken}`)}`,
    hidden: base64(`anna:${sampleToken}`).slice(30, 60),
  },
  { name: 'base64 of a private key', text: json({ a: base64(pem) }), hidden: base64(pem).slice(50, 80) },
  {
    name: 'percent-encoded JSON',
    text: `q=${encodeURIComponent(json({ password: sampleSecret }))}`,
    hidden: sampleSecret,
  },
  {
    name: 'UTF-16',
    text: Buffer.from(json({ password: sampleSecret }), 'utf16le').toString(),
    hidden: 'Z\0q\0',
  },
  {
    name: 'an access token in UTF-16',
    text: Buffer.from(sampleToken, 'utf16le').toString(),
    hidden: 'Z\0q\0',
  },
];
