// How well a request was protected, in a word: what it means is the same in the list and beside it.
import type { RequestView } from '../../../shared/contracts/console/models.ts';
import * as m from '../../i18n/compiled/messages.js';

export type Protection = 'verified' | 'encrypted' | 'open';

export function protectionOf(row: Pick<RequestView, 'e2eeUsed' | 'sessionVerified'>): Protection {
  if (!row.e2eeUsed) return 'open';
  return row.sessionVerified ? 'verified' : 'encrypted';
}

const words: Readonly<Record<Protection, () => string>> = {
  verified: m.requests_protection_verified,
  encrypted: m.requests_protection_encrypted,
  open: m.requests_protection_open,
};

export function securityWord(row: Pick<RequestView, 'e2eeUsed' | 'sessionVerified'>): string {
  return words[protectionOf(row)]();
}
