// The built main process on the stand-in, and the socket through which a test steers it.
import { execFileSync } from 'node:child_process';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from '@playwright/test';
import type { Browser, Page } from '@playwright/test';
import { repository } from '../support/home.ts';
import type { Home } from '../support/home.ts';
import type { Program } from '../support/program.ts';
import { until } from '../support/waiting.ts';
import type { Desktop } from './desktop.ts';
import { foldersOf } from './options.ts';
import type { DesktopOptions } from './options.ts';
import type { Deeds, DesktopState } from './stand-in/control.ts';
import type { StandInOptions } from './stand-in/options.ts';

const register = join(import.meta.dirname, 'stand-in/register.ts');
const main = join(repository, 'out/desktop.mjs');
const oneDisplay = [{ x: 0, y: 0, width: 1920, height: 1080 }];
let started = 0;

export class StandInDesktop implements Desktop {
  readonly page: Page;
  readonly pageUrl = 'https://app.gatehouse.test/';
  readonly standIn = this;
  readonly #browser: Browser;
  readonly #program: Program;
  readonly #steering: Steering;
  readonly #again: () => Program;

  constructor(
    page: Page,
    parts: { browser: Browser; program: Program; steering: Steering; again: () => Program },
  ) {
    this.page = page;
    this.#browser = parts.browser;
    this.#program = parts.program;
    this.#steering = parts.steering;
    this.#again = parts.again;
  }

  get running(): boolean {
    return this.#program.running;
  }

  get pid(): number {
    return this.#program.pid;
  }

  state(): Promise<DesktopState> {
    return this.ask('state');
  }

  ask<N extends keyof Deeds>(name: N, ...args: Parameters<Deeds[N]>): Promise<Awaited<ReturnType<Deeds[N]>>> {
    return this.#steering.ask(name, ...args);
  }

  /** The label of an item of the tray's menu. */
  async trayItem(id: string): Promise<string | undefined> {
    const { tray } = await this.state();
    return tray?.items.find((item) => item.id === id)?.label;
  }

  async closeWindow(): Promise<void> {
    await this.ask('closeWindow');
  }

  async isVisible(): Promise<boolean> {
    return (await this.state()).window?.visible === true;
  }

  async startAgain(): Promise<void> {
    await this.#again().exit();
  }

  async quit(): Promise<number | null> {
    await this.ask('quit');
    return this.ended();
  }

  async ended(): Promise<number | null> {
    const { code } = await this.#program.exit();
    await this.#browser.close();
    return code;
  }
}

export async function startStandIn(home: Home, options: DesktopOptions): Promise<StandInDesktop> {
  const { program, steering, start } = await launch(home, options);
  const { devToolsPort } = await until('the window is there', async () => {
    const state = await steering.ask('state');
    return state.window === null ? undefined : state;
  });
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${devToolsPort}`);
  const page = await until('the page is there', () =>
    browser
      .contexts()
      .flatMap((context) => context.pages())
      .find((each) => each.url().startsWith('https://app.')),
  );
  page.setDefaultTimeout(15_000);
  const again = (): Program => start('again.json', { control: home.path('again.sock') });
  return new StandInDesktop(page, { browser, program, steering, again });
}

/** Starts an app whose page never loads, does `meanwhile`, and quits. Resolves with the exit code. */
export async function quitBeforePage(
  home: Home,
  options: DesktopOptions,
  meanwhile: () => Promise<void>,
): Promise<number | null> {
  const { program, steering } = await launch(home, { ...options, pageHangs: true });
  try {
    await meanwhile();
  } finally {
    await steering.ask('quit');
  }
  return (await program.exit()).code;
}

interface Launched {
  readonly program: Program;
  readonly steering: Steering;
  readonly start: (name: string, more?: Partial<StandInOptions>) => Program;
}

/** Resolves when it can be steered, which is before it has a window. */
async function launch(home: Home, options: DesktopOptions): Promise<Launched> {
  started += 1;
  const control = home.path(`stand-in-${started}.sock`);
  const facts: StandInOptions = {
    control,
    chromium: installedChromium(),
    locale: options.locale ?? 'en-GB',
    displays: options.displays ?? oneDisplay,
    keyStore: options.keyStore ?? 'gnome_libsecret',
    pageHangs: options.pageHangs ?? false,
  };
  const start = (name: string, more: Partial<StandInOptions> = {}): Program => {
    const file = home.secret(name, JSON.stringify({ ...facts, ...more }));
    const args = ['--import', register, main, `--stand-in=${file}`, ...foldersOf(home, options).switches];
    return home.execute(process.execPath, args, { env: { XDG_CONFIG_HOME: home.path('.config') } });
  };
  const program = start(`stand-in-${started}.json`);
  return { program, steering: await Steering.to(control, program), start };
}

function installedChromium(): string {
  const setup = join(repository, 'build/setup.mjs');
  return execFileSync(process.execPath, [setup, '--require', 'chromium'], { encoding: 'utf8' }).trim();
}

/** Questions and answers over the stand-in's socket. */
class Steering {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #last = 0;

  private constructor(socket: Socket) {
    this.#socket = socket.on('error', () => undefined); // the app has ended
    const lines = createInterface({ input: socket });
    lines.on('error', () => undefined); // it repeats what the socket has said
    lines.on('line', (line) => {
      const { id, value, error } = JSON.parse(line) as { id: number; value: never; error?: string };
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(new Error(error));
    });
    socket.once('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('The app has ended.'));
    });
  }

  static async to(path: string, program: Program): Promise<Steering> {
    const socket = await until(
      `the stand-in answers; it wrote: ${program.stderr}`,
      () =>
        new Promise<Socket | undefined>((resolve) => {
          const trying = connect(path, () => resolve(trying));
          trying.once('error', () => resolve(undefined));
        }),
      20_000,
    );
    return new Steering(socket);
  }

  ask<N extends keyof Deeds>(name: N, ...args: Parameters<Deeds[N]>): Promise<Awaited<ReturnType<Deeds[N]>>> {
    this.#last += 1;
    const id = this.#last;
    this.#socket.write(`${JSON.stringify({ id, name, args })}\n`);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }
}
