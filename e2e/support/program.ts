// One process under test: started as a person starts it, its output kept, ended by the test through its pid.
// Nothing here knows what Gatehouse is; a failure shows the command and everything that it wrote to stderr.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { until, within } from './waiting.ts';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProgramOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Written to its stdin, which is then closed; without it stdin is empty. */
  readonly stdin?: string | Uint8Array | undefined;
}

const exitWithinMs = 20_000;

export class Program {
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #command: string;
  #stdout = '';
  #stderr = '';
  #exit: Exit | null = null;

  constructor(file: string, args: readonly string[], { cwd, env, stdin }: ProgramOptions) {
    this.#command = [file, ...args].join(' ');
    this.#child = spawn(file, args, {
      cwd,
      env,
      stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    this.#child.stdin?.on('error', () => undefined); // it may end before it has read all
    this.#child.stdin?.end(stdin);
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.exited = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
    this.exited.catch(() => undefined); // whoever waits for it is told
    // The runner may end in the middle of a test; what it started must not outlive it.
    const cutOff = (): void => void this.#child.kill('SIGKILL');
    process.once('exit', cutOff);
    this.#child.once('close', () => process.off('exit', cutOff));
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get running(): boolean {
    return this.#exit === null;
  }

  /** Its lines of JSON on stdout so far. What npm prints before a script is none, nor what is printed for people. */
  get events(): Record<string, unknown>[] {
    const lines = this.#stdout.split('\n').slice(0, -1);
    return lines
      .filter((line) => line.startsWith('{"'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** The first line of JSON whose `event` is `name`. @throws Error where it ends before, or after `withinMs` */
  async event(name: string, withinMs = 45_000): Promise<Record<string, unknown>> {
    const found = await until(
      `"${this.#command}" prints ${name}; it wrote: ${this.#stderr}`,
      () => {
        const event = this.events.find((each) => each.event === name);
        if (event === undefined && this.#exit !== null) throw this.#failure(`it never printed ${name}`);
        return event;
      },
      withinMs,
    );
    return found;
  }

  /** Resolves once stderr holds `text`. */
  async says(text: string | RegExp, withinMs = 10_000): Promise<void> {
    await until(
      `"${this.#command}" says ${String(text)}`,
      () => (typeof text === 'string' ? this.#stderr.includes(text) : text.test(this.#stderr)),
      withinMs,
    );
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends `signal`, and resolves with how it ended. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.signal(signal);
    return this.exit();
  }

  exit(withinMs = exitWithinMs): Promise<Exit> {
    return within(withinMs, `the end of "${this.#command}"; it wrote: ${this.#stderr}`, this.exited);
  }

  #failure(what: string): Error {
    return new Error(
      `"${this.#command}": ${what}. It ended with ${JSON.stringify(this.#exit)}\nstdout: ${this.#stdout}\nstderr: ${this.#stderr}`,
    );
  }
}
