// What hostile input is thrown at: a real relay that wants tokens and a real service behind it, with a client who
// has every right to be there and misuses it, and one who must not notice.
// Must never count a target as healthy that was started again.
import { performance } from 'node:perf_hooks';
import WebSocket from 'ws';
import { login } from '../../shared/client/index.ts';
import type { Service } from '../../shared/client/index.ts';
import { RawClient } from '../../shared/testing/raw-client.ts';
import { residentBytes } from '../support/processes.ts';
import { within, withinASecondMs } from '../support/waiting.ts';
import { World } from '../support/world.ts';

/** One attack: resolves with what came of it, in words that a table can state. */
export type Attack = (target: Target) => Promise<string>;
/** What is sent, what must come of it, and the attack. */
export type AttackCase = readonly [what: string, outcome: RegExp, attack: Attack];

export class Target {
  readonly world: World;
  /** The relay token of the one who attacks. */
  readonly relayToken: string;
  readonly #bystander: Service;
  readonly #pids: readonly number[];
  #newcomers = 0;

  private constructor(world: World, relayToken: string, bystander: Service) {
    this.world = world;
    this.relayToken = relayToken;
    this.#bystander = bystander;
    this.#pids = [world.relay.pid, world.service.pid];
  }

  static async start(): Promise<Target> {
    const world = await World.start();
    return new Target(world, await mintToken(world, 'mallory'), await world.open());
  }

  get serviceId(): string {
    return this.world.serviceId;
  }

  /** Throws unless both processes are those of the start, and others are served as if nothing had happened. */
  async expectHealthy(): Promise<void> {
    const { relay, service } = this.world;
    if (!relay.running || !service.running) {
      throw new Error(`A process has ended. relay: ${relay.stderr} service: ${service.stderr}`);
    }
    if ([relay.pid, service.pid].join() !== this.#pids.join())
      throw new Error('A process was started again.');
    await within(withinASecondMs, 'a ping in a session that was there before', this.#bystander.call('ping'));
    await within(withinASecondMs, 'a ping in a new session', this.#pingAnew());
  }

  /** Resident memory in bytes, of relay and service. */
  memory(): { relay: number; service: number } {
    return { relay: residentBytes(this.world.relay.pid), service: residentBytes(this.world.service.pid) };
  }

  /** A relay token of somebody new, whom no failure of the past delays. */
  newcomer(): Promise<string> {
    this.#newcomers += 1;
    return mintToken(this.world, `mallory-${this.#newcomers}`);
  }

  /** Runs with a client of the one who attacks. */
  async raw<T>(work: (client: RawClient) => Promise<T>, relayToken = this.relayToken): Promise<T> {
    const client = new RawClient(this.world.relayUrl, relayToken);
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  }

  close(): Promise<void> {
    return this.world.close();
  }

  async #pingAnew(): Promise<void> {
    const { relayUrl: relay, relayToken } = this.world;
    const client = await login({ relay, relayToken });
    try {
      const service = await client.serviceCloud(this.serviceId, { e2eeFingerprint: this.world.fingerprint });
      await service.call('ping');
    } finally {
      await client.close();
    }
  }
}

async function mintToken({ home }: World, user: string): Promise<string> {
  const { token } = await home.result('relay', 'client-token', '--user', user, '--data', home.path('relay'));
  return String(token);
}

/** Milliseconds that an attack waits for its connection to end before it says `open`. */
const patienceMs = 600;

/** `closed <reason>` once `closed` resolves, or `open` where it does not in time. */
export async function endOr(closed: Promise<string>, patience = patienceMs): Promise<string> {
  const waited = new Promise<string>((resolve) => {
    setTimeout(resolve, patience, 'open').unref();
  });
  return Promise.race([closed.then((reason) => `closed ${reason}`.trim()), waited]);
}

export interface OpenSocket {
  readonly ws: WebSocket;
  /** The reason that the other end gave, or the close code. */
  readonly closed: Promise<string>;
}

/** A WebSocket past its upgrade and, where it is a client's, its welcome. */
export async function dial(target: Target, path = '/v1/client'): Promise<OpenSocket> {
  const ws = new WebSocket(new URL(path, target.world.relayUrl), {
    perMessageDeflate: false,
    headers: { authorization: `Bearer ${target.relayToken}` },
  });
  ws.on('error', () => undefined);
  const closed = new Promise<string>((resolve) => {
    ws.once('close', (code, reason) => resolve(reason.length === 0 ? String(code) : reason.toString()));
  });
  await new Promise<void>((resolve, reject) => {
    ws.once('message', () => resolve());
    void closed.then((reason) => reject(new Error(`The relay closed with ${reason}.`)));
  });
  return { ws, closed };
}

/** Time that `work` takes, in milliseconds. */
export async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
