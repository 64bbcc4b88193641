// The service that the bench of the console looks at: set up by the built program, filled by the inspector's generator,
// then run by the host that can write rows at any rate (electron/headless/bench/tail-host.ts).
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { startFilled } from '../support/filled-world.ts';
import type { ConsoleWorld } from '../support/console-world.ts';

const program = resolve(import.meta.dirname, '../../electron/headless/bench/tail-host.ts');

export interface Measured {
  readonly rows: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
}

export class TailService {
  readonly world: ConsoleWorld;
  /** From the start of the built program to its ready line, milliseconds. */
  readonly startMs: number;
  readonly #host: ChildProcess;
  url = '';

  private constructor(world: ConsoleWorld, startMs: number, host: ChildProcess) {
    this.world = world;
    this.startMs = startMs;
    this.#host = host;
  }

  static async start(rows: number): Promise<TailService> {
    const { world } = await startFilled(rows);
    await world.program.end();
    const began = performance.now();
    await world.restart();
    const startMs = performance.now() - began;
    await world.program.end();
    const args = [world.data, world.home.path('password')];
    const env = { ...process.env, GATEHOUSE_HOME: world.home.folder };
    const host = fork(program, args, { execArgv: ['--expose-gc'], env });
    const service = new TailService(world, startMs, host);
    service.url = ((await service.#next()) as { url: string }).url;
    return service;
  }

  /** Rows a second from now on. */
  feed(rowsPerSecond: number): void {
    this.#host.send({ kind: 'rate', rowsPerSecond });
  }

  /** Rows written so far, and memory after a collection. */
  async measure(): Promise<Measured> {
    this.#host.send({ kind: 'measure' });
    return (await this.#next()) as Measured;
  }

  async close(): Promise<void> {
    const ended = once(this.#host, 'exit');
    this.#host.send({ kind: 'stop' });
    await ended;
    await this.world.close();
  }

  async #next(): Promise<unknown> {
    const waiting = new AbortController();
    const { signal } = waiting;
    const ended = once(this.#host, 'exit', { signal }).then(() =>
      Promise.reject(new Error('The host ended.')),
    );
    ended.catch(() => undefined); // given up where the message was first
    try {
      const [message] = (await Promise.race([once(this.#host, 'message', { signal }), ended])) as unknown[];
      return message;
    } finally {
      waiting.abort();
    }
  }
}
