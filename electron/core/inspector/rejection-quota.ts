// How many rejections become rows of their own: a number a minute for one client and one for all together.
// The rest is counted and becomes one row a minute, so that a flood fills neither disk nor queue.
// Pure; must never hold more clients than rows are allowed in a minute.

export const quotaWindowMs = 60_000;

export interface RejectionQuotaLimits {
  /** Rows a minute for one client id (the relay's word). */
  readonly rejectionsPerClient: number;
  /** Rows a minute for all clients together. */
  readonly rejectionsInAll: number;
}

export class RejectionQuota {
  readonly #limits: RejectionQuotaLimits;
  #windowStart = 0;
  #admitted = 0;
  readonly #perClient = new Map<string, number>();
  readonly #suppressed = new Map<string, number>();

  constructor(limits: RejectionQuotaLimits) {
    this.#limits = limits;
  }

  /** Whether this rejection gets a row. @param now milliseconds since the epoch */
  admit(clientId: string, rejectionCode: string, now: number): boolean {
    if (now - this.#windowStart >= quotaWindowMs || now < this.#windowStart) this.#startWindow(now);
    const ofClient = this.#perClient.get(clientId) ?? 0;
    if (this.#admitted < this.#limits.rejectionsInAll && ofClient < this.#limits.rejectionsPerClient) {
      this.#admitted += 1;
      this.#perClient.set(clientId, ofClient + 1);
      return true;
    }
    this.#suppressed.set(rejectionCode, (this.#suppressed.get(rejectionCode) ?? 0) + 1);
    return false;
  }

  /** A sentence on what got no row since the last call; null where everything got one. */
  takeSummary(): string | null {
    const counts = [...this.#suppressed].sort(([, a], [, b]) => b - a);
    this.#suppressed.clear();
    if (counts.length === 0) return null;
    const total = counts.reduce((sum, [, count]) => sum + count, 0);
    const parts = counts.map(([code, count]) => `${count} ${code}`).join(', ');
    return `${total} more rejections within a minute have no row of their own: ${parts}.`;
  }

  #startWindow(now: number): void {
    this.#windowStart = now;
    this.#admitted = 0;
    this.#perClient.clear();
  }
}
