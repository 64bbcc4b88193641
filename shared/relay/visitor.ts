// Who sends a request, as its headers say: for this relay by name, and from no web page but its own. Every path is
// judged by it; the HTTPS API alone lets named foreign pages in besides.
import type { IncomingMessage } from 'node:http';
import { maxOidcTokenLength } from '../contracts/device-api.ts';
import type { RelayAddress } from './address.ts';
import { HttpRefusal } from './http-answer.ts';

/** @throws HttpRefusal where the request was not meant for this relay */
export function checkHost({ headers, headersDistinct }: IncomingMessage, address: RelayAddress): void {
  if (headersDistinct.host?.length === 1 && address.acceptsHost(headers.host)) return;
  const message = 'This relay is not known by that name. Dial it by the URL that it says it has.';
  throw new HttpRefusal(421, 'relay_url_mismatch', message);
}

/** @throws HttpRefusal where the request comes from a web page other than the relay's own. Its Host has been checked. */
export function checkOrigin({ headers, headersDistinct }: IncomingMessage, address: RelayAddress): void {
  const site = headers['sec-fetch-site'];
  const foreign = site !== undefined && site !== 'same-origin' && site !== 'none';
  const several = (headersDistinct.origin?.length ?? 0) > 1;
  if (!foreign && !several && address.acceptsOrigin(headers.origin, headers.host ?? '')) return;
  throw new HttpRefusal(403, 'not_authorised', 'Web pages do not get to speak to this relay.');
}

/** The token of a Bearer header; null where there is none. Empty where the header is of another form. */
export function bearerOf({ headers, headersDistinct }: IncomingMessage): string | null {
  const { authorization } = headers;
  if (authorization === undefined) return null;
  if (headersDistinct.authorization?.length !== 1) return '';
  const token = /^Bearer ([A-Za-z0-9_.-]+)$/i.exec(authorization)?.[1] ?? '';
  return token.length > maxOidcTokenLength ? '' : token;
}
