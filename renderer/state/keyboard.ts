// Which action a key calls for: single strokes (`mod+k`), and sequences (`g r`) whose strokes follow each other within a
// moment. Pure but for the time that it is given. Must leave keys to whoever is typing.
import type { Action } from './actions.svelte.ts';

/** Longest pause within a sequence, milliseconds. */
export const sequenceMs = 1200;

export interface Stroke {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

/** A stroke as actions name it: `mod+k`, `shift+enter`, `?` (its shift is in the character). */
export function nameStroke({ key, ctrlKey, metaKey, altKey, shiftKey }: Stroke): string {
  const plain = key === ' ' ? 'space' : key.replace(/^Arrow/, '').toLowerCase();
  const shift = shiftKey && (key.length > 1 || /[a-z0-9]/i.test(key));
  const parts = [ctrlKey || metaKey ? 'mod' : '', altKey ? 'alt' : '', shift ? 'shift' : '', plain];
  return parts.filter((part) => part !== '').join('+');
}

export class Keyboard {
  #pending = '';
  #at = 0;

  /**
   * The action that this stroke completes, or null. `typing`: it goes into a text field, where only strokes with `mod`
   * and sequences of none are taken.
   */
  press(stroke: Stroke, typing: boolean, actions: readonly Action[], now: number): Action | null {
    if (['Shift', 'Control', 'Alt', 'Meta'].includes(stroke.key)) return null;
    const name = nameStroke(stroke);
    if (typing && !name.startsWith('mod+')) {
      this.#pending = '';
      return null;
    }
    const begun = now - this.#at <= sequenceMs ? this.#pending : '';
    const whole = begun === '' ? name : `${begun} ${name}`;
    const found = find(actions, whole) ?? find(actions, name);
    this.#at = now;
    this.#pending = found === null && begins(actions, whole) ? whole : '';
    return found;
  }
}

function find(actions: readonly Action[], keys: string): Action | null {
  return actions.find((action) => action.keys?.includes(keys)) ?? null;
}

function begins(actions: readonly Action[], keys: string): boolean {
  return actions.some((action) => action.keys?.some((all) => all.startsWith(`${keys} `)));
}
