// The bench's client in Chromium, in a page from an origin of its own, as an app's is. Playwright only tells the page what
// to measure: clocks and loops are the page's.
import type { Page } from '@playwright/test';
import type { TokenProvider } from '../../shared/device/index.ts';
import { ConsoleBrowser } from '../support/browser.ts';
import type { DeviceClient, Entrance, LoadFigures, Way } from './device-client.ts';
import type { BenchPage } from './device-page.ts';

/** For a `ScriptOrigin`. */
export const pageScript = 'e2e/bench/device-page.ts';

/** In the page. */
declare const bench: BenchPage;

export class BrowserClient implements DeviceClient {
  readonly #browser: ConsoleBrowser;
  readonly #page: Page;
  readonly #tokens: TokenProvider;

  private constructor(browser: ConsoleBrowser, page: Page, tokens: TokenProvider) {
    this.#browser = browser;
    this.#page = page;
    this.#tokens = tokens;
  }

  /** `origin` serves the page; the relay has to know it. */
  static async open(origin: string, tokens: TokenProvider, entrance: Entrance): Promise<BrowserClient> {
    const browser = await ConsoleBrowser.open();
    try {
      const client = new BrowserClient(browser, await browser.page(origin), tokens);
      await (await client.#ready()).evaluate((where) => bench.enter(where), entrance);
      return client;
    } catch (error) {
      await browser.close();
      throw error;
    }
  }

  async load(way: Way, inFlight: number, forMs: number): Promise<LoadFigures> {
    const page = await this.#ready();
    return page.evaluate((args) => bench.entered().load(...args), [way, inFlight, forMs] as const);
  }

  async download(way: Way, name: string): Promise<number> {
    const page = await this.#ready();
    return page.evaluate((args) => bench.entered().download(...args), [way, name] as const);
  }

  async start(way: Way): Promise<number> {
    const page = await this.#ready();
    return page.evaluate((wanted) => bench.entered().start(wanted), way);
  }

  /**
   * Sessions that are started and never used push out the one that the library has begun ahead; it begins another.
   * @throws Error where the page complained of anything else
   */
  async close(): Promise<void> {
    await this.#browser.close();
    this.#browser.forgive(/status of 410/);
    if (this.#browser.complaints.length > 0) throw new Error(this.#browser.complaints.join('\n'));
  }

  /** The page, with a token that is good now. */
  async #ready(): Promise<Page> {
    await this.#page.evaluate((token) => bench.useToken(token), await this.#tokens.token());
    return this.#page;
  }
}
