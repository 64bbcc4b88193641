// The built-in relay in a utility process: strangers' bytes are never parsed beside the keys. It ends with the app, and
// where it dies by itself it is started again.
import { createInterface } from 'node:readline';
import { utilityProcess } from 'electron';
import type { UtilityProcess } from 'electron';
import * as v from 'valibot';
import type { LocalRelayStarter, RunningLocalRelay } from '../core/ports.ts';
import { GatehouseError } from '../../shared/contracts/errors.ts';

const startTimeoutMs = 10_000;
const againAfterMs = 1_000;
/** After SIGTERM it has its own bounds; this is longer than those. In milliseconds. */
const stopTimeoutMs = 10_000;

/** As `npm run gatehouse` has it. Half the young generation in MiB: a burst makes it grow to 64, and it never shrinks. */
const nodeFlags = ['--max-semi-space-size=16'];

const readyLine = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ url: v.string(), enrolmentToken: v.string(), clientTokenFile: v.string() }),
);
type Ready = v.InferOutput<typeof readyLine>;

/** `program`: the built file that runs the relay. */
export function relayStarter(program: string, onDeath: () => void): LocalRelayStarter {
  return async (dataFolder): Promise<RunningLocalRelay> => {
    const relay = new RelayProcess(program, dataFolder, onDeath);
    const ready = await relay.start();
    return { ...ready, stop: () => relay.stop() };
  };
}

class RelayProcess {
  readonly #program: string;
  readonly #dataFolder: string;
  readonly #onDeath: () => void;
  #child: UtilityProcess | null = null;
  #stopping = false;

  constructor(program: string, dataFolder: string, onDeath: () => void) {
    this.#program = program;
    this.#dataFolder = dataFolder;
    this.#onDeath = onDeath;
  }

  /** @throws GatehouseError `relay_unreachable` */
  async start(): Promise<Ready> {
    const child = utilityProcess.fork(this.#program, ['--data', this.#dataFolder], {
      stdio: ['ignore', 'pipe', 'inherit'],
      serviceName: 'Gatehouse relay',
      execArgv: [...nodeFlags],
    });
    this.#child = child;
    const ready = await firstLine(child);
    child.once('exit', () => this.#startAgain());
    return ready;
  }

  #startAgain(): void {
    this.#child = null;
    if (this.#stopping) return;
    this.#onDeath();
    setTimeout(() => {
      if (!this.#stopping) this.start().catch(() => this.#startAgain());
    }, againAfterMs);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, stopTimeoutMs)));
    await Promise.race([ended, late]);
    clearTimeout(timer);
  }
}

/** @throws GatehouseError `relay_unreachable` */
function firstLine(child: UtilityProcess): Promise<Ready> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(timer);
      child.kill();
      reject(new GatehouseError('relay_unreachable', `The built-in relay ${why}.`));
    };
    const timer = setTimeout(() => fail('did not start within 10 s'), startTimeoutMs);
    child.once('exit', () => fail('ended before it served'));
    if (child.stdout === null) return fail('has no output');
    createInterface({ input: child.stdout }).once('line', (line) => {
      const parsed = v.safeParse(readyLine, line);
      if (!parsed.success) return fail('did not say where it is');
      clearTimeout(timer);
      child.removeAllListeners('exit');
      resolve(parsed.output);
    });
  });
}
