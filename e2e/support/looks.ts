// The ways in which every view of the console is looked at, and what must hold in each: nothing that axe knows of, and
// nothing wider than its window. Each look leaves a picture.
import { screenshot } from './browser.ts';
import type { PageOptions } from './browser.ts';
import type { AxeRules } from './axe.ts';
import type { ConsolePage } from './console-page.ts';

interface Look extends PageOptions {
  /** What axe looks for; dark is light in other colours, and German in the wide window the same page with other words. */
  readonly axe: AxeRules | null;
}

export const looks: Record<string, Look> = {
  light: { scheme: 'light', axe: 'all' },
  dark: { scheme: 'dark', axe: 'colours' },
  german: { language: 'de-DE', axe: null },
  narrow: { width: 900, height: 700, scheme: 'dark', language: 'de-DE', axe: 'all' },
};

/** What is wrong with the view that is open, a line each, once data is there and nothing moves. */
export async function wrongWith(tab: ConsolePage, { axe }: Look, picture: string): Promise<string[]> {
  await tab.settled();
  await screenshot(tab.page, picture);
  const wrong = axe === null ? [] : await tab.violations(axe);
  const beyond = Number(
    await tab.page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'),
  );
  return beyond === 0 ? wrong : [...wrong, `is ${String(beyond)} px wider than its window`];
}

/** A view of a page: its name, its page and query, and the button that is pressed in it first. */
export type View = readonly [
  name: string,
  page: Parameters<ConsolePage['open']>[0],
  query: string,
  pressed: string | null,
];

/** What is wrong with each view, by its name. */
export async function wrongWithEach(
  tab: ConsolePage,
  views: readonly View[],
  [name, look]: readonly [string, Look],
): Promise<Record<string, readonly string[]>> {
  const found: Record<string, readonly string[]> = {};
  for (const [view, page, query, pressed] of views) {
    await tab.open(page, query);
    if (pressed !== null) await tab.page.getByRole('button', { name: pressed, exact: true }).first().click();
    found[view] = await wrongWith(tab, look, `${page}-${view}-${name}`);
  }
  return found;
}
