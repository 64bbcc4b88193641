// What axe finds wrong on a page. It runs in the page itself and tells of violations alone: by way of a second page, with
// every rule that passed, one look took 5 to 15 s on a busy machine. It must not be used where a page has frames.
import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';

/** `colours`: what alone can differ where a page is drawn again in other colours. */
export type AxeRules = 'all' | 'colours';

/** A line each. */
export async function axeViolations(page: Page, rules: AxeRules = 'all'): Promise<string[]> {
  const only = rules === 'all' ? {} : { runOnly: { type: 'rule' as const, values: ['color-contrast'] } };
  const builder = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ['violations'], ...only });
  const { violations } = await builder.analyze();
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, html }) => `${id}: ${String(target)} ${html}`),
  );
}
