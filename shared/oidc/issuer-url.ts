// The URL of an OpenID Connect issuer, and the documents that are fetched from it: bounded in time and size, never
// through a redirect, and over plain HTTP on this machine alone.
import { GatehouseError } from '../contracts/errors.ts';
import { isLoopbackHost } from '../net/dial.ts';

/** Longest discovery document or key set that is taken, in bytes. */
const maxDocumentLength = 256 * 1024;

/**
 * `text` where it is a URL that an issuer may have: https, or http on loopback, without query or fragment.
 * The text itself is what tokens name (OpenID Connect Discovery 1.0, section 3). @throws GatehouseError `usage`
 */
export function checkIssuer(text: string): string {
  const url = URL.parse(text);
  if (url === null || `${url.search}${url.hash}${url.username}${url.password}` !== '') {
    throw usage('An OIDC issuer is a URL without query, fragment or password, such as https://id.example.');
  }
  if (!isSafeUrl(url)) {
    throw usage('An OIDC issuer is reached by https; plain http is for loopback alone.');
  }
  return text;
}

/** True for https, and for http to this machine itself. */
export function isSafeUrl(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname));
}

/** Where the issuer describes itself (OpenID Connect Discovery 1.0, section 4). */
export function discoveryUrl(issuer: string): URL {
  return new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
}

/** The JSON at `url`. @throws Error with a reason that holds nothing of the document */
export async function fetchJson(url: URL, timeoutMs: number): Promise<unknown> {
  const response = await fetch(url, {
    headers: { accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (response.status !== 200 || response.body === null) throw new Error(`HTTP ${response.status}`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxDocumentLength) throw new Error('the document is too large');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new Error('the document is no JSON');
  }
}

function usage(message: string): GatehouseError {
  return new GatehouseError('usage', message);
}
