// The headers of every answer: those of the console's page, which both hosts share, and what HTTPS adds to them.
import { pageHeaders as always } from '../../shared/contracts/console/page-headers.ts';
import { isLoopback } from './listen-address.ts';

/** HSTS counts for every port of a name: on loopback it would break other programs' pages. */
export function pageHeaders(listenHost: string): Readonly<Record<string, string>> {
  return isLoopback(listenHost) ? always : { ...always, 'strict-transport-security': 'max-age=31536000' };
}

export const cacheControl = { never: 'no-store', forEver: 'public, max-age=31536000, immutable' } as const;
