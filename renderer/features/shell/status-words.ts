// The status strip's answers in words. Must say only what was measured.
import * as m from '../../i18n/compiled/messages.js';
import type { Presence, Protection, Reach } from '../../state/status.ts';
import { formatDuration, formatNumber } from '../../ui/format.ts';

export function reachWords(reach: Reach): string {
  switch (reach.kind) {
    case 'online':
      return m.shell_reach_online({ latency: formatDuration(reach.latencyMs ?? 0) });
    case 'unmeasured':
      return m.shell_reach_unmeasured();
    case 'connecting':
      return m.shell_reach_connecting();
    case 'offline':
      return m.shell_reach_offline();
    case 'stopped':
      return m.shell_reach_stopped();
    case 'unknown':
      return m.shell_reach_unknown();
  }
}

export function protectionWords({ kind, sessions, encrypted, verified }: Protection): string {
  const count = {
    all: formatNumber(sessions),
    encrypted: formatNumber(encrypted),
    verified: formatNumber(verified),
  };
  switch (kind) {
    case 'unknown':
      return m.shell_protection_unknown();
    case 'nobody':
      return m.shell_protection_nobody();
    case 'plain':
      return m.shell_protection_plain(count);
    case 'unverified':
      return m.shell_protection_unverified(count);
    case 'verified':
      return m.shell_protection_verified();
  }
}

/** Names that the strip has room for. */
const shownNames = 3;

export function presenceWords({ total, users, unnamed }: Presence): string {
  if (total === 0) return m.shell_presence_nobody();
  const names = users.slice(0, shownNames);
  const more = users.length - names.length;
  const parts = [
    ...names,
    ...(more > 0 ? [m.shell_presence_more({ count: formatNumber(more) })] : []),
    ...(unnamed > 0 ? [m.shell_presence_unnamed({ count: formatNumber(unnamed) })] : []),
  ];
  return `${m.shell_presence({ count: total })}: ${parts.join(', ')}`;
}
