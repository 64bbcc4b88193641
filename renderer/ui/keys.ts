// How keys are written for people. `mod` is Cmd on a Mac and Ctrl elsewhere; strokes of a sequence are parted by a space.
// Must hold no listener: what a key does is the shell's business.
import { locale } from '../i18n/locale.svelte.ts';

const mac = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.userAgent);

const names: Readonly<Record<string, readonly [en: string, de: string]>> = {
  mod: mac ? ['⌘', '⌘'] : ['Ctrl', 'Strg'],
  shift: mac ? ['⇧', '⇧'] : ['Shift', 'Umschalt'],
  alt: mac ? ['⌥', '⌥'] : ['Alt', 'Alt'],
  enter: ['Enter', 'Eingabe'],
  escape: ['Esc', 'Esc'],
  up: ['↑', '↑'],
  down: ['↓', '↓'],
  left: ['←', '←'],
  right: ['→', '→'],
  pageup: ['Page Up', 'Bild ↑'],
  pagedown: ['Page Down', 'Bild ↓'],
  home: ['Home', 'Pos1'],
  end: ['End', 'Ende'],
  space: ['Space', 'Leertaste'],
  delete: ['Delete', 'Entf'],
  tab: ['Tab', 'Tab'],
};

/** `g mod+k` as strokes of caps: `[['G'], ['Ctrl', 'K']]`. */
export function nameKeys(keys: string): readonly (readonly string[])[] {
  return keys.split(' ').map((stroke) => stroke.split('+').map(nameKey));
}

function nameKey(key: string): string {
  const name = names[key];
  if (name !== undefined) return locale.current === 'de' ? name[1] : name[0];
  return key.length === 1 ? key.toUpperCase() : key;
}
