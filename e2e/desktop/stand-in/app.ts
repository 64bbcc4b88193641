// `app`: life cycle, switches, paths, and the lock of the single instance, as Electron documents them.
import { EventEmitter } from 'node:events';
import { mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { options, hasSwitch, switchValue, userData } from './options.ts';
import { startChromium, stopChromium } from './machine.ts';
import { BrowserWindow, preventable } from './window.ts';

mkdirSync(userData, { recursive: true });
const lockFile = join(userData, 'instance.lock');
const lockSocket = join(userData, 'instance.sock');

class App extends EventEmitter {
  readonly isPackaged = false;
  readonly commandLine = { getSwitchValue: switchValue, hasSwitch };
  loginItem: unknown = null;
  #telling: Promise<void> = Promise.resolve();
  #ready: Promise<void> | null = null;
  #first = false;

  enableSandbox(): void {
    // Chromium runs as it was started.
  }

  setAppUserModelId(): void {
    // Of Windows.
  }

  whenReady(): Promise<void> {
    return (this.#ready ??= startChromium());
  }

  getPath(): string {
    return userData;
  }

  getAppPath(): string {
    return process.cwd();
  }

  getVersion(): string {
    return '0.0.0';
  }

  getLocale(): string {
    return options.locale;
  }

  getLoginItemSettings(): { openAtLogin: boolean } {
    return { openAtLogin: this.loginItem !== null };
  }

  setLoginItemSettings(settings: unknown): void {
    this.loginItem = settings;
  }

  requestSingleInstanceLock(): boolean {
    try {
      writeSync(openSync(lockFile, 'wx'), String(process.pid));
      this.#first = true;
      this.#listenForOthers();
    } catch {
      if (isAlive(Number(readFileSync(lockFile, 'utf8')))) this.#telling = tellFirst();
      else {
        rmSync(lockFile, { force: true });
        return this.requestSingleInstanceLock();
      }
    }
    return this.#first;
  }

  /** Asks `before-quit`, then each window, and ends. */
  quit(): void {
    setImmediate(() => {
      const event = preventable({});
      this.emit('before-quit', event);
      if (event.defaultPrevented) return;
      const open = BrowserWindow.all.filter((window) => !window.isDestroyed());
      if (!open.every((window) => window.close())) return;
      this.emit('will-quit', preventable({}));
      this.exit(0);
    });
  }

  exit(code: number): void {
    if (this.#first) rmSync(lockFile, { force: true });
    void Promise.all([this.#telling, stopChromium()]).then(() => process.exit(code));
  }

  #listenForOthers(): void {
    rmSync(lockSocket, { force: true });
    createServer((socket) => {
      socket.end();
      this.emit('second-instance', preventable({}), process.argv, process.cwd());
    })
      .listen(lockSocket)
      .unref();
  }
}

function tellFirst(): Promise<void> {
  return new Promise((resolve) => {
    connect(lockSocket)
      .on('error', () => resolve())
      .on('close', () => resolve())
      .resume();
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export const app = new App();

// As Electron takes them: a way to quit.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => app.quit());
