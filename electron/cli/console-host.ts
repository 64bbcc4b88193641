// What the console has of its host where the host is a terminal: no key store of an operating system, no
// notifications, and the built-in relay as a child process.
import type { ConsoleHost, KeyVault } from '../core/ports.ts';
import { startLocalRelay } from './local-relay.ts';

export interface ConsoleHostOptions {
  /** Where the built-in relay listens, and what it is called. */
  readonly listen: string;
  readonly domain: string;
  readonly trial: boolean;
}

export function makeConsoleHost({ listen, domain, trial }: ConsoleHostOptions): ConsoleHost {
  return {
    kind: 'browser',
    version,
    keyVault: noVault,
    startLocalRelay: (data) => startLocalRelay({ data, listen, domain }),
    notify: () => undefined,
    callCommand: 'npm run -s gatehouse -- call',
    trial,
  };
}

/** As package.json has it. */
export const version = '0.1.0';

const noVault: KeyVault = {
  availability: () => ({
    available: false,
    reason: 'Only the desktop app can remember the password: it keeps it in the key store of the system.',
  }),
  remember: async () => undefined,
  recall: async () => null,
  forget: async () => undefined,
  holds: () => false,
  onChange: () => () => undefined,
};
