// The built-in local relay: a child process, so that strangers' bytes are never parsed beside the keys.
// It runs with generated tokens, never open, and ends with its parent even where that is killed.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { asGatehouseError, GatehouseError } from '../../shared/contracts/errors.ts';
import { readFileIfThere, writeFileAtomic } from '../../shared/storage/atomic-file.ts';
import { RelayState } from '../../shared/relay/state/relay-state.ts';
import { printNote } from './output.ts';

export interface LocalRelayOptions {
  /** The data folder of the service; the relay's is `relay` inside it. */
  readonly data: string;
  readonly listen: string;
  readonly domain: string;
}

export interface LocalRelay {
  /** As the relay's ready line gives it. */
  readonly url: string;
  /** Good once: what the service enrols with where it has not yet. */
  readonly enrolmentToken: string;
  /** Mode 0600, with a token for clients of this machine, good for this relay alone. */
  readonly clientTokenFile: string;
  stop(): Promise<void>;
}

const startTimeoutMs = 10_000;
/** The service enrols at once; after that the token is of no use to anybody. */
const enrolmentLifeMs = 10 * 60_000;
const addressFile = 'local-relay-address';
const clientTokenFile = 'client-token';

/** Starts it; where no port was asked for it takes the last one again, if it is free. */
export async function startLocalRelay(options: LocalRelayOptions): Promise<LocalRelay> {
  const dataFolder = join(options.data, 'relay');
  const state = await RelayState.open(dataFolder);
  const { token } = await state.enrolmentTokens.mint(enrolmentLifeMs);
  const tokenFile = join(options.data, clientTokenFile);
  await ensureClientToken(tokenFile, state);
  const last = options.listen.endsWith(':0') ? await lastAddress(dataFolder) : null;
  const child = new RelayChild(dataFolder, options.domain);
  const url = await child.start(last ?? options.listen).catch((error: unknown) => {
    if (last === null) throw error;
    return child.start(options.listen);
  });
  await writeFileAtomic(join(dataFolder, addressFile), new URL(url).host);
  child.keepAlive(new URL(url).host);
  return { url, enrolmentToken: token, clientTokenFile: tokenFile, stop: () => child.stop() };
}

async function ensureClientToken(path: string, { clientTokens }: RelayState): Promise<void> {
  if ((await readFileIfThere(path)) !== null) return;
  const { token } = await clientTokens.mint('local', null);
  await writeFileAtomic(path, `${token}\n`);
}

async function lastAddress(dataFolder: string): Promise<string | null> {
  return (await readFileIfThere(join(dataFolder, addressFile)))?.toString('utf8') ?? null;
}

/** The child process, started again where it dies by itself. */
class RelayChild {
  readonly #dataFolder: string;
  readonly #domain: string;
  #child: ChildProcess | null = null;
  #stopping = false;

  constructor(dataFolder: string, domain: string) {
    this.#dataFolder = dataFolder;
    this.#domain = domain;
  }

  /** Resolves with the URL once it serves. */
  async start(listen: string): Promise<string> {
    const relay = ['relay', '--listen', listen, '--data', this.#dataFolder, '--domain', this.#domain];
    const flags = ['--json', '--end-with-stdin', '--log-level', 'warn'];
    const child = spawn(process.execPath, [...process.execArgv, process.argv[1] ?? '', ...relay, ...flags], {
      stdio: ['pipe', 'pipe', 'inherit'],
      // In a group of its own: Ctrl-C at the terminal is for the parent, which drains before it stops the relay.
      detached: true,
    });
    this.#child = child;
    return readyUrl(child);
  }

  /** From now on a death is answered by a new start on the same address, after a second. */
  keepAlive(listen: string): void {
    const child = this.#child;
    if (child === null || hasEnded(child)) this.#startAgain(listen);
    else {
      child.once('exit', () => {
        this.#startAgain(listen);
      });
    }
  }

  #startAgain(listen: string): void {
    if (this.#stopping) return;
    printNote('The local relay has stopped by itself; it is started again.');
    setTimeout(() => {
      if (this.#stopping) return;
      this.start(listen)
        .catch((error: unknown) => {
          printNote(`The local relay does not start: ${asGatehouseError(error).message}`);
        })
        .finally(() => {
          this.keepAlive(listen);
        });
    }, 1_000).unref();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === null || hasEnded(child)) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    const cutOff = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(cutOff);
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** The URL of the ready line. @throws GatehouseError what the child reported, or `relay_unreachable` */
function readyUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const { stdout } = child;
    if (stdout === null) throw new GatehouseError('internal', 'The local relay has no output.');
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new GatehouseError('relay_unreachable', 'The local relay did not start within 10 s.'));
    }, startTimeoutMs);
    createInterface({ input: stdout }).on('line', (line) => {
      const parsed = JSON.parse(line) as { event?: string; url?: string; error?: { message: string } };
      clearTimeout(timer);
      if (parsed.url !== undefined) resolve(parsed.url);
      else
        reject(
          new GatehouseError('relay_unreachable', parsed.error?.message ?? 'The local relay does not start.'),
        );
    });
    child.once('exit', () => {
      clearTimeout(timer);
      reject(new GatehouseError('relay_unreachable', 'The local relay ended before it served.'));
    });
  });
}
