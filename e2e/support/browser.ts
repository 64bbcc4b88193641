// Debian's Chromium, driven by Playwright against the built console. Whatever a page throws, logs as an error or asks
// of another machine is kept, and fails the test that looks.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { chromium } from '@playwright/test';
import type { Browser, BrowserContext, Page } from '@playwright/test';

const repository = resolve(import.meta.dirname, '../..');
const screenshotFolder = join(repository, 'e2e/screenshots');

/** Nothing in the background, no first-run dialogs; as root Chromium has no sandbox. */
export const chromiumFlags = [
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-domain-reliability',
  '--disable-sync',
  '--metrics-recording-only',
  '--no-first-run',
  '--no-pings',
  '--font-render-hinting=none',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE [::1]',
];

/** Where Chromium is; installed first where it is missing and we are root. */
export function chromiumPath(): string {
  const setup = join(repository, 'build/setup.mjs');
  return execFileSync(process.execPath, [setup, '--require', 'chromium'], { encoding: 'utf8' }).trim();
}

export interface PageOptions {
  readonly scheme?: 'light' | 'dark';
  readonly language?: 'en-GB' | 'de-DE';
  readonly width?: number;
  readonly height?: number;
}

export class ConsoleBrowser {
  readonly #browser: Browser;
  /** What no page of this browser should ever have done. */
  readonly complaints: string[] = [];

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  static async open(): Promise<ConsoleBrowser> {
    return new ConsoleBrowser(await chromium.launch({ executablePath: chromiumPath(), args: chromiumFlags }));
  }

  /** A person's own browser profile: cookies and storage of its own. */
  async person(options: PageOptions = {}): Promise<BrowserContext> {
    const { scheme = 'light', language = 'en-GB', width = 1280, height = 800 } = options;
    const context = await this.#browser.newContext({
      ignoreHTTPSErrors: true, // the console's certificate is its own; its fingerprint is printed beside the URL
      colorScheme: scheme,
      locale: language,
      timezoneId: 'Europe/Berlin',
      viewport: { width, height },
      reducedMotion: 'reduce',
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    context.setDefaultTimeout(15_000);
    context.on('page', (page) => {
      this.#watch(page);
    });
    return context;
  }

  /** A new page of a new person, at `url`. */
  async page(url: string, options: PageOptions = {}): Promise<Page> {
    const page = await (await this.person(options)).newPage();
    await page.goto(url);
    return page;
  }

  /** Forgets the complaints that a test has provoked itself. */
  forgive(expected: RegExp): void {
    const kept = this.complaints.filter((complaint) => !expected.test(complaint));
    this.complaints.splice(0, this.complaints.length, ...kept);
  }

  close(): Promise<void> {
    return this.#browser.close();
  }

  #watch(page: Page): void {
    page.on('pageerror', (error) => this.complaints.push(`threw: ${error.stack ?? error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(`logged: ${message.text()}`);
    });
    page.on('request', (request) => {
      const { protocol, hostname } = new URL(request.url());
      const local = ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
      if (/^(https?|wss?):$/.test(protocol) && !local) this.complaints.push(`asked for: ${request.url()}`);
    });
  }
}

/** Writes e2e/screenshots/`name`.png; the folder is ignored by git. */
export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(screenshotFolder, { recursive: true });
  await page.screenshot({ path: join(screenshotFolder, `${name}.png`), animations: 'disabled' });
}
