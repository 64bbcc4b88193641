// What a person should hear of although nobody looks at a page. Must never become a flood: whoever causes incidents
// is a stranger, and its name is the relay's word.
import type { ErrorCode } from '../../../shared/contracts/errors.ts';
import { RejectionQuota } from '../inspector/rejection-quota.ts';

/**
 * `token_rejected`: somebody offered an access token that is not accepted, or could not prove it.
 * `fingerprint_complaint`: a client refused our certificate: it was given another fingerprint, or somebody is
 * between it and us.
 */
export interface Incident {
  readonly kind: 'token_rejected' | 'fingerprint_complaint';
  readonly code: ErrorCode;
  /** The relay's word. */
  readonly clientId: string;
}

/** Incidents told in a minute: of one kind and client, and in all. */
const limits = { rejectionsPerClient: 1, rejectionsInAll: 10 };

export class Incidents {
  readonly #quota = new RejectionQuota(limits);
  readonly #tell: (incident: Incident) => void;

  constructor(tell: (incident: Incident) => void) {
    this.#tell = tell;
  }

  happened(incident: Incident): void {
    const { kind, code, clientId } = incident;
    if (this.#quota.admit(`${kind} ${clientId}`, code, Date.now())) this.#tell(incident);
  }
}
