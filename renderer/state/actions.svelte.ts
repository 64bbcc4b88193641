// Everything that can be done by a key or from the command palette, in one list: the palette, the `?` sheet and the
// keyboard read it. Whoever adds an action takes it away again. Must not take a key from a field that is typed into.
import { untrack } from 'svelte';
import type { Component } from 'svelte';

/** Where the `?` sheet and the palette list an action. */
export type ActionGroup = 'go' | 'page' | 'console';

export interface Action {
  readonly id: string;
  /** A function, so that it follows the language. */
  readonly title: () => string;
  readonly group: ActionGroup;
  /**
   * Each a way to call it: keys of one stroke joined by `+` (`mod+k`; `mod` is Cmd on a Mac and Ctrl elsewhere), strokes
   * of a sequence by a space (`g r`). Shown in this order.
   */
  readonly keys?: readonly string[];
  readonly icon?: Component;
  readonly run: () => void;
  /** Told in the `?` sheet only: what a list or a field does with its own keys. Has no effect by itself. */
  readonly keysOnly?: boolean;
  /** Keeps it out of the palette and deaf while false. */
  readonly enabled?: () => boolean;
}

export class Actions {
  #list = $state.raw<readonly Action[]>([]);

  get all(): readonly Action[] {
    return this.#list;
  }

  /** Those that can be run now. */
  get ready(): readonly Action[] {
    return this.#list.filter((action) => action.keysOnly !== true && action.enabled?.() !== false);
  }

  /** Runs one by its id: for a button that does the same. Nothing happens while it is not there or not enabled. */
  run(id: string): void {
    this.ready.find((action) => action.id === id)?.run();
  }

  /** Returns the removal, as `onMount` takes it: `onMount(() => console.actions.add([…]))`. */
  add(actions: readonly Action[]): () => void {
    this.#change((list) => [...list, ...actions]);
    return () => this.#change((list) => list.filter((action) => !actions.includes(action)));
  }

  /** Untracked: an effect that adds actions does not depend on those that are there. */
  #change(next: (list: readonly Action[]) => readonly Action[]): void {
    this.#list = next(untrack(() => this.#list));
  }
}
