// A folder of its own for one test world: files, secrets, and every process of it, ended and looked for at the end.
// Must never leave a process behind, nor end one that it has not started.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Program } from './program.ts';
import { processesWith } from './processes.ts';
import type { RunningProcess } from './processes.ts';
import { until } from './waiting.ts';

export const repository = resolve(import.meta.dirname, '../..');
const cheapSecrets = join(import.meta.dirname, 'cheap-secrets.json');
export const builtProgram = join(repository, 'out/gatehouse.mjs');

/** A one-shot command that has ended. */
export interface Ran {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Its one line of JSON on stdout; empty where there is none. */
  readonly json: Record<string, unknown>;
}

/** What npm and the test runner put into the environment, and a person's shell does not have. */
const foreign = /^(npm_|VITEST|NODE_OPTIONS$|NODE_ENV$|INIT_CWD$|GATEHOUSE_)/;

/** A person's environment: without the folders of programs that npm puts first, so that `node` is the machine's own. */
function personsEnvironment(): NodeJS.ProcessEnv {
  const own = Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
  const folders = (own.PATH ?? '').split(':').filter((folder) => !folder.includes('node_modules'));
  return { ...own, PATH: folders.filter((folder) => !folder.includes('node-gyp-bin')).join(':') };
}

export class Home {
  readonly folder = mkdtempSync(join(tmpdir(), 'gatehouse-e2e-'));
  readonly #programs: Program[] = [];
  readonly #clients: { close(): Promise<void> }[] = [];

  /** What every process of this home has in its environment, and no other. */
  get mark(): string {
    return `GATEHOUSE_HOME=${this.folder}`;
  }

  path(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  /** A file with mode 0600. */
  secret(name: string, content: string | Uint8Array): string {
    const path = this.path(name);
    mkdirSync(resolve(path, '..'), { recursive: true, mode: 0o700 });
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  /**
   * Makes `folder` one of a service that was set up with `superadminPassword` and has not run yet. Its secrets.json asks
   * for the least cost that such a file may: each sign-in of a spec would else take a third of a second and 128 MiB.
   */
  setUpService(folder = 'service'): void {
    this.secret(join(folder, 'secrets.json'), readFileSync(cheapSecrets));
  }

  /** Starts `gatehouse …` without waiting for anything. */
  spawn(...args: readonly string[]): Program {
    return this.execute(process.execPath, [builtProgram, ...args]);
  }

  /** Starts any program in the repository's folder, as a process of this home. */
  execute(
    file: string,
    args: readonly string[],
    more: { cwd?: string; stdin?: string | Uint8Array; env?: Record<string, string> } = {},
  ): Program {
    const { cwd = repository, stdin } = more;
    const env = { ...personsEnvironment(), ...more.env, GATEHOUSE_HOME: this.folder };
    const program = new Program(file, args, { cwd, env, stdin });
    this.#programs.push(program);
    return program;
  }

  /** Runs `gatehouse …` to its end. */
  async run(...args: readonly string[]): Promise<Ran> {
    return this.runWith(undefined, ...args);
  }

  async runWith(stdin: string | Uint8Array | undefined, ...args: readonly string[]): Promise<Ran> {
    const more = stdin === undefined ? {} : { stdin };
    const program = this.execute(process.execPath, [builtProgram, ...args], more);
    const { code } = await program.exit();
    return {
      exitCode: code,
      stdout: program.stdout,
      stderr: program.stderr,
      json: program.events.at(-1) ?? {},
    };
  }

  /** Runs `gatehouse … --json`, which must succeed, and resolves with what it printed. */
  async result(...args: readonly string[]): Promise<Record<string, unknown>> {
    const { exitCode, json, stdout, stderr } = await this.run(...args, '--json');
    if (exitCode === 0) return json;
    throw new Error(`gatehouse ${args.join(' ')} ended with ${String(exitCode)}: ${stdout}${stderr}`);
  }

  /** `client` is closed with this home. */
  keep<T extends { close(): Promise<void> }>(client: T): T {
    this.#clients.push(client);
    return client;
  }

  /** Living processes of this home. */
  processes(): RunningProcess[] {
    return processesWith(this.mark);
  }

  /** Everything that any program of this home has printed. */
  get output(): string {
    return this.#programs.map(({ stdout, stderr }) => `${stdout}${stderr}`).join('\n');
  }

  /** Ends what was started, newest first, and removes the folder. @throws Error where a process is left */
  async close(): Promise<void> {
    for (const client of this.#clients) await client.close();
    const failures: unknown[] = [];
    for (const program of this.#programs.toReversed().filter(({ running }) => running)) {
      await program.end().catch((error: unknown) => {
        program.signal('SIGKILL');
        failures.push(error);
      });
    }
    if (failures.length > 0) throw new AggregateError(failures, 'Not every program ended on SIGTERM.');
    await this.nothingLeft();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Resolves once no process of this home lives. @throws Error naming those that do */
  async nothingLeft(withinMs = 5_000): Promise<void> {
    await until('no process is left', () => this.processes().length === 0, withinMs).catch(() => {
      throw new Error(`Processes are left: ${JSON.stringify(this.processes())}`);
    });
  }
}
