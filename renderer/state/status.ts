// The three answers of the status strip, from what was measured: can they reach us, is it really encrypted and verified,
// who is here now. Pure; the words are the shell's. Must never take a setting for a measurement.
import type { DeviceSessionsView } from '../../shared/contracts/console/devices.ts';
import type { Connectivity, SessionsView, SessionView } from '../../shared/contracts/console/models.ts';

export type Tone = 'ok' | 'warn' | 'bad' | 'off' | 'busy';

export interface Reach {
  readonly tone: Tone;
  readonly kind: 'unknown' | 'online' | 'unmeasured' | 'connecting' | 'offline' | 'stopped';
  readonly latencyMs: number | null;
  /** When that was so, milliseconds since the epoch. */
  readonly at: number | null;
  readonly retryAt: number | null;
}

export function reachOf(connectivity: Connectivity | undefined): Reach {
  const none = { latencyMs: null, at: null, retryAt: null };
  if (connectivity === undefined) return { ...none, tone: 'busy', kind: 'unknown' };
  const { link, measured } = connectivity;
  switch (link.state) {
    case 'online':
      if (measured === null) return { ...none, tone: 'ok', kind: 'unmeasured', at: link.since };
      return { ...none, tone: 'ok', kind: 'online', latencyMs: measured.latencyMs, at: measured.at };
    case 'connecting':
      return { ...none, tone: 'busy', kind: 'connecting' };
    case 'offline':
      return { ...none, tone: 'bad', kind: 'offline', retryAt: link.retryAt };
    case 'stopped':
      return { ...none, tone: 'off', kind: 'stopped' };
  }
}

export interface Protection {
  readonly tone: Tone;
  readonly kind: 'unknown' | 'nobody' | 'plain' | 'unverified' | 'verified';
  /** Sessions looked at, and how many of them are encrypted, and verified by an access token. */
  readonly sessions: number;
  readonly encrypted: number;
  readonly verified: number;
}

/** Device sessions are encrypted and verified, or they are none. */
export function protectionOf(view: SessionsView | undefined, devices?: DeviceSessionsView): Protection {
  const sessions = view?.sessions ?? [];
  const ofDevices = devices?.sessions.length ?? 0;
  const all = sessions.length + ofDevices;
  const encrypted = sessions.filter((session) => session.e2eeUsed).length + ofDevices;
  const verified = sessions.filter((session) => session.sessionVerified).length + ofDevices;
  const counts = { sessions: all, encrypted, verified };
  if (view === undefined) return { ...counts, tone: 'busy', kind: 'unknown' };
  if (all === 0) return { ...counts, tone: 'off', kind: 'nobody' };
  if (encrypted < all) return { ...counts, tone: 'warn', kind: 'plain' };
  // No tick before everybody has proven who they are.
  if (verified < all) return { ...counts, tone: 'off', kind: 'unverified' };
  return { ...counts, tone: 'ok', kind: 'verified' };
}

export interface Presence {
  readonly total: number;
  /** Names of verified users, each once, newest first. */
  readonly users: readonly string[];
  /** Sessions of nobody known by name. */
  readonly unnamed: number;
}

export function presenceOf(view: SessionsView | undefined, devices?: DeviceSessionsView): Presence {
  const sessions = view?.sessions ?? [];
  const named = sessions.map(({ remoteUser }: SessionView) => remoteUser).filter((user) => user !== null);
  const users = [...named, ...(devices?.sessions ?? []).map(({ subject }) => subject)];
  const total = (view?.total ?? 0) + (devices?.total ?? 0);
  return { total, users: [...new Set(users)], unnamed: sessions.length - named.length };
}
