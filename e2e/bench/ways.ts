// The three ways to the same service, side by side: through a relay over wss, directly, and through OpenSSH.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { nodeFlags } from './programs.ts';
import type { Programs } from './programs.ts';
import type { LoadCommand, LoadResult, Way } from './protocol.ts';

export const wayNames = ['relay', 'direct', 'openssh'] as const;
export type WayName = (typeof wayNames)[number];

/** A load generator in a process of its own, which Node is given the same flags for as for `gatehouse call`, whatever the way. */
export class Load {
  readonly #child: ChildProcess;

  constructor(way: Way) {
    const execArgv = [...nodeFlags];
    this.#child = fork(join(import.meta.dirname, 'load.ts'), [JSON.stringify(way)], { execArgv });
  }

  async run(command: LoadCommand): Promise<LoadResult> {
    this.#child.send(command);
    const [answer] = (await once(this.#child, 'message')) as [{ result?: LoadResult; error?: string }];
    if (answer.result === undefined) throw new Error(`${command.op}: ${answer.error ?? 'no result'}`);
    return answer.result;
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}

export interface Setting {
  readonly ways: Readonly<Record<WayName, Way>>;
  readonly loads: Readonly<Record<WayName, Load>>;
  readonly servicePid: number;
  readonly relayPid: number;
}

/** Starts relay, service, sshd, ssh and a load generator for each way. */
export async function setUp(programs: Programs): Promise<Setting> {
  const data = join(programs.folder, 'service');
  const relayData = join(programs.folder, 'relay');
  const { cert, key } = programs.relayCertificate();
  const tls = ['--tls-cert', cert, '--tls-key', key];
  const enrolment = programs.once(['relay', 'enrolment-token', '--data', relayData]);
  const client = programs.once(['relay', 'client-token', '--user', 'bench', '--data', relayData]);
  const relay = await programs.gatehouse(['relay', '--data', relayData, '--listen', '127.0.0.1:0', ...tls]);
  const url = (relay.ready.url ?? '').replace('127.0.0.1', 'localhost');
  const service = await programs.gatehouse([
    ...['service', '--data', data, '--relay', url, '--relay-ca', cert, '--direct-port', '0'],
    ...['--password-file', programs.file('password', 'bench\n')],
    ...['--enrolment-token-file', programs.file('enrolment', enrolment.token ?? '')],
  ]);
  const { serviceId = '', fingerprint = '' } = service.ready;
  const port = Number(service.ready.directPort);
  const token = programs.file('client-token', client.token ?? '');
  const ways = {
    relay: { serviceId, fingerprint, relay: { url, ca: cert, token } },
    direct: { serviceId, fingerprint, port },
    openssh: { serviceId, fingerprint, port: await programs.sshForward(port) },
  };
  const loads = {
    relay: new Load(ways.relay),
    direct: new Load(ways.direct),
    openssh: new Load(ways.openssh),
  };
  return { ways, loads, servicePid: service.pid, relayPid: relay.pid };
}
