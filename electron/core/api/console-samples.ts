// A whole console in this process on a real data folder, with a relay that is never reached. Test code: nothing that
// ships may import it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { CallArgs, CallName, CallResult } from '../../../shared/contracts/console/calls.ts';
import type { AuditView } from '../../../shared/contracts/console/models.ts';
import type { TopicName, Topics } from '../../../shared/contracts/console/topics.ts';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { Installation } from '../installation.ts';
import type { ConsoleHost } from '../ports.ts';
import { Console } from './console.ts';
import type { ConsoleSession } from './console-session.ts';
import type { SetupKey } from './setup-key.ts';

export const samplePassword = 'correct horse battery';
const logger = pino({ level: 'silent' });

export interface SampleHost extends ConsoleHost {
  /** What the vault holds. */
  remembered: string | null;
  /** Relays that were started and not stopped. */
  relays: number;
}

export function sampleHost(): SampleHost {
  const tellers = new Set<() => void>();
  const keep = (password: string | null): void => {
    host.remembered = password;
    for (const tell of tellers) tell();
  };
  const host: SampleHost = {
    remembered: null,
    relays: 0,
    kind: 'desktop',
    version: '0',
    keyVault: {
      availability: () => ({ available: true, reason: null }),
      remember: async (password) => keep(password),
      recall: async () => host.remembered,
      forget: async () => keep(null),
      holds: () => host.remembered !== null,
      onChange: (tell) => {
        tellers.add(tell);
        return () => tellers.delete(tell);
      },
    },
    startLocalRelay: async () => {
      host.relays += 1;
      return {
        url: 'ws://127.0.0.1:1',
        enrolmentToken: 'none',
        clientTokenFile: '/none',
        stop: async () => {
          host.relays -= 1;
        },
      };
    },
    notify: () => undefined,
    callCommand: 'gatehouse call',
    trial: false,
  };
  return host;
}

export class SampleConsole {
  readonly host: SampleHost;
  readonly folder: string;
  installation: Installation;
  console: Console;
  session: ConsoleSession;

  private constructor(
    folder: string,
    host: SampleHost,
    installation: Installation,
    setupKey: SetupKey | null,
  ) {
    this.folder = folder;
    this.host = host;
    this.installation = installation;
    this.console = new Console({ installation, setupKey, logger });
    this.session = this.console.openSession({ source: 'a', place: 'desktop' });
  }

  /** On a first run, or set up with `samplePassword` and signed in. */
  static async open(setUp: boolean, setupKey: SetupKey | null = null): Promise<SampleConsole> {
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-console-'));
    const host = sampleHost();
    const installation = await Installation.open({ dataFolder: folder, host, logger, drainMs: 50 });
    const sample = new SampleConsole(folder, host, installation, setupKey);
    if (setUp) await sample.call('console.setup', { password: samplePassword, relay: { kind: 'local' } });
    return sample;
  }

  /** @throws GatehouseError as the answer says */
  async call<N extends CallName>(name: N, args: CallArgs<N>, session = this.session): Promise<CallResult<N>> {
    const context = { session, signal: new AbortController().signal };
    const answer = await this.console.call(name, args, context);
    if ('error' in answer) throw new GatehouseError(answer.error.code, answer.error.message, answer.error);
    return answer.result;
  }

  /** The present value of a topic. */
  topic<N extends TopicName>(name: N, session = this.session): Promise<Topics[N]> {
    return new Promise((resolve) => {
      const unsubscribe = this.console.subscribe(session, name, ({ value }) => {
        resolve(value as Topics[N]);
        setImmediate(() => unsubscribe());
      });
    });
  }

  /** As after a restart of the program: locked, and nobody has signed in. */
  async reopen(): Promise<void> {
    this.console.close();
    await this.installation.stop();
    this.installation = await Installation.open({
      dataFolder: this.folder,
      host: this.host,
      logger,
      drainMs: 50,
    });
    this.console = new Console({ installation: this.installation, setupKey: null, logger });
    this.session = this.console.openSession({ source: 'a', place: 'desktop' });
  }

  /** Newest first. */
  async audit(filter = ''): Promise<readonly AuditView[]> {
    const { audit } = await this.installation.foundation();
    return (await audit.page({ filter, cursor: null, limit: 100 })).rows;
  }

  async close(): Promise<void> {
    this.console.close();
    await this.installation.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}
