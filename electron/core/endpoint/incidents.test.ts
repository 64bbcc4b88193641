import { afterEach, describe, expect, it, vi } from 'vitest';
import { Incidents } from './incidents.ts';
import type { Incident } from './incidents.ts';

const rejected: Incident = { kind: 'token_rejected', code: 'access_token_rejected', clientId: 'anna' };
const complaint: Incident = { ...rejected, kind: 'fingerprint_complaint', code: 'fingerprint_mismatch' };

afterEach(() => {
  vi.useRealTimers();
});

describe('incidents', () => {
  it('are told once a minute for each kind and client', () => {
    vi.useFakeTimers();
    const tell = vi.fn();
    const incidents = new Incidents(tell);
    for (let i = 0; i < 5; i += 1) {
      incidents.happened(rejected);
      incidents.happened(complaint);
      incidents.happened({ ...rejected, clientId: 'berta' });
    }
    expect(tell.mock.calls).toEqual([[rejected], [complaint], [{ ...rejected, clientId: 'berta' }]]);
    vi.advanceTimersByTime(60_000);
    incidents.happened(rejected);
    expect(tell).toHaveBeenCalledTimes(4);
  });

  it('are no flood, whatever names the relay gives to clients', () => {
    const tell = vi.fn();
    const incidents = new Incidents(tell);
    for (let i = 0; i < 1_000; i += 1) incidents.happened({ ...rejected, clientId: `client-${i}` });
    expect(tell).toHaveBeenCalledTimes(10);
  });
});
