// What encrypts a call, layer by layer, from what live sessions really negotiated and never from what is set or hoped
// for. Pure. Must never say "encrypted" of a layer that has one live session without it.
import type { DeviceSessionsView } from '../../shared/contracts/console/devices.ts';
import type { Connectivity, SessionView, SessionsView } from '../../shared/contracts/console/models.ts';

/** `all`, `some` or `none` of the live sessions have it; `idle`: there is no session to tell from. */
export type Coverage = 'idle' | 'all' | 'some' | 'none';

/** How many live sessions run with the same TLS version and cipher. */
export interface CipherCount {
  readonly tlsVersion: string;
  readonly cipher: string;
  readonly sessions: number;
}

export interface Layers {
  /** From this service to its relay. `null`: not connected, so nothing is known. */
  readonly relayHop: { readonly encrypted: boolean; readonly url: string } | null;
  readonly e2ee: {
    readonly coverage: Coverage;
    readonly sessions: number;
    readonly without: number;
    readonly ciphers: readonly CipherCount[];
  };
  readonly verification: {
    readonly coverage: Coverage;
    readonly verified: number;
    readonly unverified: number;
    /** Sessions whose client says that it compared the fingerprint. */
    readonly fingerprintCompared: number;
  };
  /** Live device sessions: each has had a request that was decrypted with its own keys. `null`: not known yet. */
  readonly devices: { readonly sessions: number } | null;
  /** How many sessions were looked at, of how many: the topic carries the newest 500. */
  readonly looked: number;
  readonly total: number;
}

export function layersOf(
  connectivity: Connectivity,
  view: SessionsView,
  devices?: DeviceSessionsView,
): Layers {
  const { sessions, total } = view;
  const online = connectivity.link.state === 'online';
  const count = (has: (session: SessionView) => boolean): number => sessions.filter(has).length;
  const encrypted = count(isEncrypted);
  const verified = count((session) => session.sessionVerified);
  return {
    relayHop: online ? { encrypted: isTlsUrl(connectivity.relay.url), url: connectivity.relay.url } : null,
    e2ee: {
      coverage: coverage(encrypted, sessions.length),
      sessions: encrypted,
      without: sessions.length - encrypted,
      ciphers: cipherCounts(sessions),
    },
    verification: {
      coverage: coverage(verified, sessions.length),
      verified,
      unverified: sessions.length - verified,
      fingerprintCompared: count((session) => session.verifiedBy === 'fingerprint'),
    },
    devices: devices === undefined ? null : { sessions: devices.total },
    looked: sessions.length,
    total,
  };
}

/** E2EE was used and TLS says which version: a claim without a version is no encryption. */
function isEncrypted(session: SessionView): boolean {
  return session.e2eeUsed && session.tlsVersion !== null;
}

function coverage(having: number, all: number): Coverage {
  if (all === 0) return 'idle';
  if (having === all) return 'all';
  return having === 0 ? 'none' : 'some';
}

function isTlsUrl(url: string): boolean {
  return /^(wss|https):\/\//i.test(url);
}

function cipherCounts(sessions: readonly SessionView[]): CipherCount[] {
  const counts = new Map<string, CipherCount>();
  for (const { tlsVersion, cipher, e2eeUsed } of sessions) {
    if (!e2eeUsed || tlsVersion === null) continue;
    const key = `${tlsVersion} ${cipher ?? '?'}`;
    const before = counts.get(key)?.sessions ?? 0;
    counts.set(key, { tlsVersion, cipher: cipher ?? '?', sessions: before + 1 });
  }
  return [...counts.values()].sort((a, b) => b.sessions - a.sessions);
}
