// A page of Chromium that nobody looks into while it measures. Playwright listens to the network and the console of each
// page of its own, which costs the browser more than half of what a plain request does and makes any two ways more alike
// than an app would find them. Here the DevTools protocol evaluates expressions, and no domain of it is enabled.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import WebSocket from 'ws';
import { chromiumFlags, chromiumPath } from '../support/browser.ts';

/** How long Chromium may take to open the page, in milliseconds. */
const openWithinMs = 30_000;

/** For the page: settles when its scripts have run. */
const loaded = `new Promise((done) => {
  if (document.readyState === 'complete') done();
  else addEventListener('load', () => done());
})`;

/** Runtime.evaluate's answer (Chrome DevTools Protocol). */
interface Evaluated {
  readonly id: number;
  readonly error?: { readonly message: string };
  readonly result?: {
    readonly result: { readonly value?: unknown };
    readonly exceptionDetails?: {
      readonly text: string;
      readonly exception?: { readonly description?: string };
    };
  };
}

export class BarePage {
  readonly #chromium: ChildProcess;
  readonly #profile: string;
  readonly #devtools: WebSocket;
  #lastId = 0;

  private constructor(chromium: ChildProcess, profile: string, devtools: WebSocket) {
    this.#chromium = chromium;
    this.#profile = profile;
    this.#devtools = devtools;
    devtools.setMaxListeners(0);
  }

  /** A browser of its own with one page, at `origin`; the relay's certificate is taken as it is. */
  static async open(origin: string): Promise<BarePage> {
    const profile = mkdtempSync(join(tmpdir(), 'gatehouse-page-'));
    const own = ['--headless', '--ignore-certificate-errors', '--disable-gpu', '--remote-debugging-port=0'];
    const args = [...chromiumFlags, ...own, `--user-data-dir=${profile}`, 'about:blank'];
    const chromium = spawn(chromiumPath(), args, { stdio: 'ignore' });
    try {
      const page = new BarePage(chromium, profile, await devtoolsOf(profile));
      await page.#call('Page.navigate', { url: origin });
      await page.evaluate(loaded);
      return page;
    } catch (error) {
      await end(chromium, profile);
      throw error;
    }
  }

  /** What `expression` comes to in the page, once it has settled. @throws Error what it throws there */
  async evaluate<T>(expression: string): Promise<T> {
    const { error, result } = await this.#call('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    const thrown = result?.exceptionDetails;
    if (thrown !== undefined) throw new Error(thrown.exception?.description ?? thrown.text);
    if (error !== undefined) throw new Error(error.message);
    return result?.result.value as T;
  }

  async close(): Promise<void> {
    this.#devtools.close();
    await end(this.#chromium, this.#profile);
  }

  #call(method: string, params: object): Promise<Evaluated> {
    const id = (this.#lastId += 1);
    return new Promise((resolve, reject) => {
      const take = (data: Buffer): void => {
        const answer = JSON.parse(data.toString('utf8')) as Evaluated;
        if (answer.id !== id) return;
        this.#devtools.off('message', take);
        this.#devtools.off('close', gone);
        resolve(answer);
      };
      const gone = (): void => reject(new Error('Chromium has closed the page.'));
      this.#devtools.on('message', take);
      this.#devtools.once('close', gone);
      this.#devtools.send(JSON.stringify({ id, method, params }));
    });
  }
}

/** The connection to the page, once Chromium has it. */
async function devtoolsOf(profile: string): Promise<WebSocket> {
  const giveUpAt = performance.now() + openWithinMs;
  while (performance.now() < giveUpAt) {
    const url = await devtoolsUrl(profile).catch(() => undefined);
    if (url !== undefined) {
      const devtools = new WebSocket(url, { perMessageDeflate: false });
      await once(devtools, 'open');
      return devtools;
    }
    await delay(100);
  }
  throw new Error('Chromium did not open a page in time.');
}

async function devtoolsUrl(profile: string): Promise<string | undefined> {
  const [port = ''] = readFileSync(join(profile, 'DevToolsActivePort'), 'utf8').split('\n');
  const targets = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json();
  const page = (targets as { type: string; webSocketDebuggerUrl: string }[]).find(
    ({ type }) => type === 'page',
  );
  return page?.webSocketDebuggerUrl;
}

async function end(chromium: ChildProcess, profile: string): Promise<void> {
  if (chromium.exitCode === null && chromium.signalCode === null) {
    const ended = once(chromium, 'exit');
    chromium.kill();
    await ended;
  }
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}
