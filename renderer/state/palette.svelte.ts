// The command palette: what is typed, what matches, and which line is chosen. Matching takes words in any order, each
// at the beginning of a word of the title, then anywhere in it.
import type { Action } from './actions.svelte.ts';

/** Actions whose titles match every word of `text`; those that match at the beginnings of words first. */
export function matchActions(actions: readonly Action[], text: string): readonly Action[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const ranked = actions.map((action) => ({ action, rank: rankOf(action.title().toLowerCase(), words) }));
  const matching = ranked.filter(({ rank }) => rank !== null);
  return matching.sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0)).map(({ action }) => action);
}

/** 0: every word begins a word; 1: every word is somewhere; null: one is missing. */
function rankOf(title: string, words: readonly string[]): 0 | 1 | null {
  if (!words.every((word) => title.includes(word))) return null;
  const parts = title.split(/[^\p{L}\p{N}]+/u);
  return words.every((word) => parts.some((part) => part.startsWith(word))) ? 0 : 1;
}

export class Palette {
  open = $state(false);
  #text = $state('');
  #index = $state(0);
  readonly #actions: () => readonly Action[];

  constructor(actions: () => readonly Action[]) {
    this.#actions = actions;
  }

  get text(): string {
    return this.#text;
  }

  set text(text: string) {
    this.#text = text;
    this.#index = 0;
  }

  get matches(): readonly Action[] {
    return matchActions(this.#actions(), this.#text);
  }

  get chosen(): Action | undefined {
    return this.matches[this.#index];
  }

  show(): void {
    this.text = '';
    this.open = true;
  }

  /** Up and down, around the ends. */
  move(by: 1 | -1): void {
    const { length } = this.matches;
    if (length > 0) this.#index = (this.#index + by + length) % length;
  }

  run(action: Action | undefined): void {
    if (action === undefined) return;
    this.open = false;
    action.run();
  }
}
