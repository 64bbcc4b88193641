// Access tokens as text: the one form, and that nothing of a wrong one is repeated.
import { describe, expect, it } from 'vitest';
import { GatehouseError } from '../contracts/errors.ts';
import { parseAccessToken } from './access-token.ts';

const ID = 'abcdefgh2345';
const SECRET = `${'Zx9-_'.repeat(8)}qwA`;
const TOKEN = `gh_${ID}_${SECRET}`;

describe('parseAccessToken', () => {
  it.each([
    ['as shown', TOKEN],
    ['as a file ends', `${TOKEN}\n`],
    ['with white space around', `  ${TOKEN}\r\n`],
  ])('reads a token %s', (_name, text) => {
    expect(parseAccessToken(text)).toEqual({ id: ID, secret: SECRET });
  });

  it.each([
    ['nothing', ''],
    ['another prefix', TOKEN.replace('gh_', 'gx_')],
    ['an upper-case prefix', TOKEN.replace('gh_', 'GH_')],
    ['an id with a digit that base32 has not', TOKEN.replace(ID, 'abcdefgh1345')],
    ['an upper-case id', TOKEN.replace(ID, ID.toUpperCase())],
    ['an id too short', TOKEN.replace(ID, ID.slice(1))],
    ['an id too long', TOKEN.replace(ID, `${ID}a`)],
    ['no id', `gh_${SECRET}`],
    ['a secret too short', TOKEN.slice(0, -1)],
    ['a secret too long', `${TOKEN}A`],
    ['a secret in plain base64', `${TOKEN.slice(0, -1)}+`],
    ['a space inside', TOKEN.replace('_', '_ ')],
    ['two lines', `${TOKEN}\n${TOKEN}`],
    ['a NUL after it', `${TOKEN}\0`],
    ['too much', `${TOKEN}${' '.repeat(1024)}`],
  ])('refuses %s, and repeats nothing of it', (_name, text) => {
    let error: unknown;
    try {
      parseAccessToken(text);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(GatehouseError);
    expect(error).toMatchObject({ code: 'access_token_malformed', details: {} });
    expect(String(error)).not.toMatch(/Zx9|abcdefgh/i);
  });
});
