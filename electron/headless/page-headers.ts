// The headers of every answer. The page loads nothing from elsewhere, runs nothing that is not in its own files,
// and is shown in no frame.
import { isLoopback } from './listen-address.ts';

const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const always = {
  'content-security-policy': contentSecurityPolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
} as const;

/** HSTS counts for every port of a name: on loopback it would break other programs' pages. */
export function pageHeaders(listenHost: string): Readonly<Record<string, string>> {
  return isLoopback(listenHost) ? always : { ...always, 'strict-transport-security': 'max-age=31536000' };
}

export const cacheControl = { never: 'no-store', forEver: 'public, max-age=31536000, immutable' } as const;
