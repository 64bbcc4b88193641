// The pages' own code, fetched apart from the frame: the page that is wanted first, the others as soon as the browser has
// time, so that going to one of them waits for nothing. Must never fetch before it is asked to.
import type { Component } from 'svelte';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import type { ConsolePage } from './pages.ts';

/** Fetched, or why it could not be. */
type Body = { readonly component: Component } | { readonly error: GatehouseError };

export class PageBodies {
  readonly #pages: readonly ConsolePage[];
  /** Pages that have been asked for and have not failed; nothing on the page depends on it. */
  #asked: readonly string[] = [];
  #bodies = $state.raw<Readonly<Record<string, Body>>>({});

  constructor(pages: readonly ConsolePage[]) {
    this.#pages = pages;
  }

  /** Undefined while it is on its way. */
  of(page: ConsolePage): Body | undefined {
    return this.#bodies[page.id];
  }

  /** Fetches a page, unless that has been done; again where it failed. Then the others. */
  async want(page: ConsolePage): Promise<void> {
    await this.#fetch(page);
    for (const other of this.#pages) {
      await new Promise((resolve) => requestIdleCallback(resolve));
      await this.#fetch(other);
    }
  }

  async #fetch(page: ConsolePage): Promise<void> {
    if (this.#asked.includes(page.id)) return;
    this.#asked = [...this.#asked, page.id];
    try {
      const { default: component } = await page.load();
      this.#bodies = { ...this.#bodies, [page.id]: { component } };
    } catch (cause) {
      this.#asked = this.#asked.filter((id) => id !== page.id);
      const error = new GatehouseError('console_unreachable', 'A part of the page did not come.', { cause });
      this.#bodies = { ...this.#bodies, [page.id]: { error } };
    }
  }
}
