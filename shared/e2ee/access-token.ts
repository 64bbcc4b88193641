// Reads an access token `gh_<id>_<secret>` as an administrator hands it out (issue 2).
// Must never put the text, or any part of it, in an error or a log: it may be a token with a typing error.
import { GatehouseError } from '../contracts/errors.ts';

/** The two parts of an access token. */
export interface AccessToken {
  /** 12 characters of lower-case base32: SCRAM's user name; no secret. */
  readonly id: string;
  /** 43 characters of base64url, 256 bits: SCRAM's password. Never leaves the client. */
  readonly secret: string;
}

const TOKEN = /^gh_([a-z2-7]{12})_([A-Za-z0-9_-]{43})$/;

/** Longest text that is looked at, in UTF-16 units; a token has 59, a file may add white space. */
const MAX_TEXT = 1024;

/** Parses `text`, white space around it aside. Throws `access_token_malformed`. */
export function parseAccessToken(text: string): AccessToken {
  const match = text.length > MAX_TEXT ? null : TOKEN.exec(text.trim());
  const [, id, secret] = match ?? [];
  if (id === undefined || secret === undefined) {
    throw new GatehouseError(
      'access_token_malformed',
      'This is no Gatehouse access token: it should be gh_, an id of 12 characters, _ and a secret of 43. ' +
        'Paste the whole token as the service showed it, or ask the administrator for a new one.',
    );
  }
  return { id, secret };
}
