// The quota decides what a flood may write; what it turns away must still be counted.
import { describe, expect, it } from 'vitest';
import { RejectionQuota } from './rejection-quota.ts';

const code = 'access_token_rejected';

function admitted(quota: RejectionQuota, client: string, times: number, now = 0): number {
  return Array.from({ length: times }, () => quota.admit(client, code, now)).filter(Boolean).length;
}

describe('RejectionQuota', () => {
  it('gives one client its share, whatever another one did', () => {
    const quota = new RejectionQuota({ rejectionsPerClient: 3, rejectionsInAll: 10 });
    expect(admitted(quota, 'mallory', 100)).toBe(3);
    expect(admitted(quota, 'anna', 2)).toBe(2);
  });

  it('stops at the number for all clients, however many names one invents', () => {
    const quota = new RejectionQuota({ rejectionsPerClient: 3, rejectionsInAll: 10 });
    const rows = Array.from({ length: 1000 }, (_, index) => admitted(quota, `client-${index}`, 1));
    expect(rows.reduce((sum, count) => sum + count, 0)).toBe(10);
  });

  it.each([
    ['a minute later', 60_000],
    ['when the clock went back', -1],
  ])('starts afresh %s', (_name, later) => {
    const quota = new RejectionQuota({ rejectionsPerClient: 1, rejectionsInAll: 1 });
    expect(admitted(quota, 'anna', 5, 0)).toBe(1);
    expect(admitted(quota, 'anna', 5, 59_999)).toBe(0);
    expect(admitted(quota, 'anna', 5, later)).toBe(1);
  });

  it('sums up what it turned away, by code, once', () => {
    const quota = new RejectionQuota({ rejectionsPerClient: 1, rejectionsInAll: 600 });
    admitted(quota, 'mallory', 4);
    quota.admit('mallory', 'e2ee_required', 0);
    expect(quota.takeSummary()).toBe(
      '4 more rejections within a minute have no row of their own: 3 access_token_rejected, 1 e2ee_required.',
    );
    expect(quota.takeSummary()).toBeNull();
  });
});
