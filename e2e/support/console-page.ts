// The console's page as a person uses it: by the names that are on it, in English unless the browser says otherwise.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from '@playwright/test';
import jsQR from 'jsqr';
import { login } from '../../shared/client/index.ts';
import type { Client, LoginOptions } from '../../shared/client/index.ts';
import { axeViolations } from './axe.ts';
import type { AxeRules } from './axe.ts';
import type { ConsoleBrowser, PageOptions } from './browser.ts';
import type { ConsoleWorld } from './console-world.ts';
import { until } from './waiting.ts';

export const pageNames = [
  'connectivity',
  'requests',
  'sessions',
  'access',
  'devices',
  'documents',
  'audit',
  'settings',
] as const;
export type PageName = (typeof pageNames)[number];

interface Drawn {
  /** A digit for each: whether it is light. */
  readonly pixels: string;
  readonly edge: number;
}

export class ConsolePage {
  readonly page: Page;
  readonly #origin: string;

  constructor(page: Page, url: string) {
    this.page = page;
    this.#origin = new URL(url).origin;
  }

  /** A new person's browser, signed in, on the page Connectivity. */
  static async signedIn(
    browser: ConsoleBrowser,
    world: Pick<ConsoleWorld, 'url' | 'password'>,
    options: PageOptions = {},
  ): Promise<ConsolePage> {
    const page = new ConsolePage(await browser.page(world.url, options), world.url);
    await page.unlock(world.password);
    return page;
  }

  async unlock(password: string): Promise<void> {
    await this.page.locator('input[type=password]').fill(password);
    await this.page.keyboard.press('Enter');
    await this.navigation.waitFor();
  }

  /** The sidebar: there once somebody has signed in. */
  get navigation(): Locator {
    return this.page.getByRole('navigation').first();
  }

  async open(name: PageName, query = ''): Promise<void> {
    await this.page.goto(`${this.#origin}/#/${name}${query}`);
    await this.page.locator('#page-title').waitFor();
  }

  /** Finds `action` in the palette by `words`, and does it: by keyboard alone. */
  async choose(words: string, action: string | RegExp): Promise<void> {
    const { keyboard } = this.page;
    await keyboard.press('Control+k');
    await this.page.locator('[role=dialog] input:focus').waitFor();
    await keyboard.type(words);
    await this.page.getByRole('option', { name: action, selected: true }).waitFor();
    await keyboard.press('Enter');
    await this.dialog.waitFor({ state: 'hidden' });
  }

  /** Resolves once data is there and nothing moves any more: no word of loading, and the same page twice. */
  async settled(): Promise<void> {
    let before = '';
    await until('the page has settled', async () => {
      const now = String(await this.page.evaluate(pageNow));
      const same = now !== '' && now === before;
      before = now;
      return same;
    });
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name });
  }

  get dialog(): Locator {
    return this.page.getByRole('dialog');
  }

  /** Resolves once the page says so. */
  async says(text: string | RegExp): Promise<void> {
    await this.page.getByText(text).first().waitFor();
  }

  /** The text that `button` puts on the clipboard. */
  async copied(button: Locator): Promise<string> {
    await this.page.evaluate("navigator.clipboard.writeText('')");
    await button.click();
    // Runs in the page: the browser's types are not ours.
    const read = async (): Promise<string> =>
      String(await this.page.evaluate('navigator.clipboard.readText()'));
    return until('the button has copied something', async () => (await read()) || undefined);
  }

  /** What a camera reads from the QR code of this label. */
  async qrCode(label: string): Promise<string | undefined> {
    await this.page.getByRole('img', { name: label }).waitFor();
    return this.#read(drawing(label));
  }

  /** The same of the picture that a button of this page has put on the clipboard. */
  copiedQrCode(): Promise<string | undefined> {
    return this.#read(copied);
  }

  async #read(draw: string): Promise<string | undefined> {
    const { pixels, edge }: Drawn = await this.page.evaluate(draw);
    const rgba = Array.from(pixels).flatMap((light) => [...Array<number>(3).fill(255 * Number(light)), 255]);
    return jsQR.default(Uint8ClampedArray.from(rgba), edge, edge)?.data;
  }

  /** What axe finds wrong, a line each. */
  violations(rules: AxeRules = 'all'): Promise<string[]> {
    return axeViolations(this.page, rules);
  }
}

/** Runs in the page: its words and boxes, without times that tick; empty while something is being read or moves. */
const pageNow = `(() => {
  const busy = document.querySelector('[aria-busy=true]') !== null || document.getAnimations().length > 0;
  const text = document.querySelector('main').innerText.replaceAll(/\\d+/g, '#');
  if (busy || /(Loading|Counting|Drawing|Wird geladen|Zähle)/.test(text)) return '';
  return text + document.querySelector('main').scrollHeight;
})()`;

/** Runs in the page, whose types are not ours, as the two below: the pixels of an image, drawn with an edge of 480. */
const drawn = `((image) => {
  const edge = 480;
  const canvas = Object.assign(document.createElement('canvas'), { width: edge, height: edge });
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0, edge, edge);
  const { data } = context.getImageData(0, 0, edge, edge);
  return { pixels: Array.from({ length: edge * edge }, (_, at) => (data[4 * at] > 127 ? 1 : 0)).join(''), edge };
})`;

const copied = `(async () => {
  const [item] = await navigator.clipboard.read();
  return ${drawn}(await createImageBitmap(await item.getType('image/png')));
})()`;

/** The picture with a label. */
const drawing = (label: string): string => `(async () => {
  const edge = 480;
  const copy = document.querySelector('svg[aria-label=' + ${JSON.stringify(JSON.stringify(label))} + ']').cloneNode(true);
  copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  copy.setAttribute('width', edge);
  copy.setAttribute('height', edge);
  const image = new Image();
  image.src = 'data:image/svg+xml,' + encodeURIComponent(copy.outerHTML);
  await image.decode();
  return ${drawn}(image);
})()`;

/** A client of the service's own local relay, with the token that the data folder holds for this machine. */
export async function localClient(
  world: ConsoleWorld,
  options: Partial<LoginOptions> = {},
): Promise<{ client: Client; serviceId: string; fingerprint: string }> {
  const signedIn = await world.signedIn();
  const topics = await signedIn.follow(['connectivity', 'certificate']);
  const { relay, serviceId } = await topics.until('connectivity', ({ link }) => link.state === 'online');
  const { fingerprint } = await topics.until('certificate', () => true);
  const relayToken = readFileSync(join(world.data, 'client-token'), 'utf8').trim();
  const client = world.home.keep(await login({ relay: relay.url, relayToken, ...options }));
  return { client, serviceId, fingerprint };
}

/** The code that a promise rejects with, or `resolved`. */
export function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'resolved',
    (error: unknown) => String((error as { code?: unknown }).code),
  );
}

/** Resolves once `promise()` rejects with `code`; within a few seconds. */
export function untilCode(code: string, attempt: () => Promise<unknown>): Promise<boolean> {
  return until(`a call ends with ${code}`, async () => (await codeOf(attempt())) === code, 10_000);
}
