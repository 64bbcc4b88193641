// The bench's client in Chromium, in a page from an origin of its own, as an app's is. The page is only told what to
// measure: clocks and loops are the page's.
import type { TokenProvider } from '../../shared/device/index.ts';
import { BarePage } from './bare-page.ts';
import type { DeviceClient, Entrance, LoadFigures, LoadWay, Way } from './device-client.ts';
import type { BenchPage } from './device-page.ts';

/** For a `ScriptOrigin`. */
export const pageScript = 'e2e/bench/device-page.ts';

export class BrowserClient implements DeviceClient {
  readonly #page: BarePage;
  readonly #tokens: TokenProvider;

  private constructor(page: BarePage, tokens: TokenProvider) {
    this.#page = page;
    this.#tokens = tokens;
  }

  /** `origin` serves the page; the relay has to know it. */
  static async open(origin: string, tokens: TokenProvider, entrance: Entrance): Promise<BrowserClient> {
    const page = await BarePage.open(origin);
    try {
      const client = new BrowserClient(page, tokens);
      await client.#tell('enter', entrance);
      return client;
    } catch (error) {
      await page.close();
      throw error;
    }
  }

  load(way: LoadWay, inFlight: number, forMs: number): Promise<LoadFigures> {
    return this.#tell('load', way, inFlight, forMs);
  }

  download(way: Way, name: string): Promise<number> {
    return this.#tell('download', way, name);
  }

  start(way: Way): Promise<number> {
    return this.#tell('start', way);
  }

  async close(): Promise<void> {
    await this.#page.close();
  }

  /** Calls the page's function of this name, which has a token that is good now. */
  async #tell<T = void>(name: keyof BenchPage, ...args: unknown[]): Promise<T> {
    await this.#page.evaluate(`bench.useToken(${JSON.stringify(await this.#tokens.token())})`);
    return this.#page.evaluate<T>(`bench.${name}(...${JSON.stringify(args)})`);
  }
}
