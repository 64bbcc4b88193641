// A service behind its console in a browser, on loopback, with a local relay of its own: how a spec gets one in the
// state that it needs. All real processes of what was built.
import { ConsoleClient } from './console-client.ts';
import { Home } from './home.ts';
import type { Program } from './program.ts';
import { superadminPassword } from './world.ts';

export interface ConsoleStart {
  /** Serving with a known password (the default), locked, or never set up. */
  readonly state?: 'serving' | 'locked' | 'first_run';
  /** More arguments of `gatehouse service`. */
  readonly more?: readonly string[];
  /** Where the console listens. */
  readonly listen?: string;
  /** Before anything runs: what its folder lies on. */
  readonly prepare?: (home: Home) => void;
}

const loopback = '127.0.0.1:0';

export class ConsoleWorld {
  readonly home: Home;
  readonly password = superadminPassword;
  program: Program;
  /** The ready line. */
  ready: Record<string, string>;
  #port: string;

  private constructor(home: Home, program: Program, ready: Record<string, string>) {
    this.home = home;
    this.program = program;
    this.ready = ready;
    this.#port = new URL(this.url).port;
  }

  static async start(options: ConsoleStart = {}): Promise<ConsoleWorld> {
    const { state = 'serving', more = [], listen = loopback, prepare } = options;
    const home = new Home();
    try {
      prepare?.(home);
      home.secret('password', `${superadminPassword}\n`);
      if (state !== 'first_run') home.setUpService();
      const program = home.spawn(...consoleArgs(home, listen, state === 'serving'), ...more);
      const ready = (await program.event('ready')) as Record<string, string>;
      return new ConsoleWorld(home, program, ready);
    } catch (error) {
      await home.close();
      throw error;
    }
  }

  /** For the browser; on a first run with the set-up key. */
  get url(): string {
    return this.ready.consoleUrl ?? '';
  }

  get data(): string {
    return this.home.path('service');
  }

  /** Nobody has signed in to it. */
  client(): ConsoleClient {
    return this.home.keep(new ConsoleClient(this.url));
  }

  /** One that has unlocked the console. */
  async signedIn(): Promise<ConsoleClient> {
    const client = this.client();
    await client.call('console.unlock', { password: this.password });
    return client;
  }

  /** Starts it again on its folder and its port; the old one must have ended. */
  async restart(state: 'serving' | 'locked' = 'serving'): Promise<void> {
    this.program = this.home.spawn(...consoleArgs(this.home, `127.0.0.1:${this.#port}`, state === 'serving'));
    this.ready = (await this.program.event('ready')) as Record<string, string>;
  }

  close(): Promise<void> {
    return this.home.close();
  }
}

function consoleArgs(home: Home, address: string, unlocked: boolean): readonly string[] {
  const password = unlocked ? ['--password-file', home.path('password')] : [];
  return ['service', '--data', home.path('service'), '--console', address, '--json', ...password];
}
