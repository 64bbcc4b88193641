// A Chromium of our own and the DevTools protocol over its pipe: Chromium ends when this process does. A port is open
// beside it for the test's Playwright.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

export type Params = Record<string, unknown>;
type Listener = (params: Params, sessionId: string | undefined) => void;

const flags = [
  '--headless=new',
  '--no-sandbox',
  '--block-new-web-contents',
  '--remote-debugging-pipe',
  '--remote-debugging-port=0',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-sync',
  '--metrics-recording-only',
  '--no-first-run',
  '--no-pings',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  '--no-startup-window',
];

export class Cdp {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: Params) => void; reject: (error: Error) => void }>();
  readonly #listeners = new Map<string, Listener[]>();
  #last = 0;
  #rest = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    const output = child.stdio[4] as Readable;
    output.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    (child.stdio[3] as Writable).on('error', () => undefined); // Chromium has ended
    child.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('Chromium has ended.'));
      this.#waiting.clear();
    });
  }

  /** Resolves with the DevTools port, too. */
  static async launch(program: string, profile: string): Promise<{ cdp: Cdp; port: number }> {
    const portFile = join(profile, 'DevToolsActivePort');
    rmSync(portFile, { force: true });
    const child = spawn(program, [...flags, `--user-data-dir=${profile}`], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    });
    const cdp = new Cdp(child);
    await cdp.send('Browser.getVersion');
    for (;;) {
      // The file is there before its first line is.
      const port = existsSync(portFile) ? Number.parseInt(readFileSync(portFile, 'utf8'), 10) : NaN;
      if (port > 0) return { cdp, port };
      await delay(20);
    }
  }

  send(method: string, params: Params = {}, sessionId?: string): Promise<Params> {
    const id = (this.#last += 1);
    const message = sessionId === undefined ? { id, method, params } : { id, method, params, sessionId };
    (this.#child.stdio[3] as Writable).write(`${JSON.stringify(message)}\0`);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  on(event: string, listener: Listener): void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    await this.send('Browser.close').catch(() => undefined);
    const cutOff = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(cutOff);
  }

  #read(text: string): void {
    const messages = `${this.#rest}${text}`.split('\0');
    this.#rest = messages.pop() ?? '';
    for (const message of messages) this.#handle(JSON.parse(message) as Params);
  }

  #handle({ id, method, params, result, error, sessionId }: Params): void {
    if (typeof method === 'string') {
      for (const listener of this.#listeners.get(method) ?? []) {
        listener(params as Params, sessionId as string | undefined);
      }
      return;
    }
    const waiting = this.#waiting.get(id as number);
    this.#waiting.delete(id as number);
    if (error === undefined) waiting?.resolve((result ?? {}) as Params);
    else waiting?.reject(new Error((error as { message: string }).message));
  }
}
