// The state of the service in one word, for the tray: its phase, and while it serves whether its relay reaches it.
import type { Installation } from '../core/installation.ts';
import type { Texts } from './texts.ts';

export type ServiceState = keyof Texts['state'];

/** The tray's icon for each: told apart by shape as well as by colour. */
export const iconOf: Readonly<Record<ServiceState, 'online' | 'attention' | 'locked'>> = {
  first_run: 'locked',
  locked: 'locked',
  starting: 'attention',
  failed: 'attention',
  online: 'online',
  connecting: 'attention',
  offline: 'attention',
};

export function serviceState(
  installation: Pick<Installation, 'state' | 'serving' | 'service'>,
): ServiceState {
  const { phase } = installation.state;
  if (phase !== 'serving') return phase;
  if (!installation.serving) return 'starting';
  const link = installation.service.relayState.state;
  return link === 'stopped' ? 'offline' : link;
}
