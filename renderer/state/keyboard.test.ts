// Which action a key calls for.
import { describe, expect, it } from 'vitest';
import type { Action } from './actions.svelte.ts';
import { Keyboard, nameStroke, sequenceMs } from './keyboard.ts';

const action = (id: string, ...keys: string[]): Action => ({
  id,
  keys,
  title: () => id,
  group: 'go',
  run: () => {},
});
const actions = [
  action('requests', 'g r', 'mod+2'),
  action('refresh', 'r'),
  action('palette', 'mod+k'),
  action('help', '?'),
];
const stroke = (
  key: string,
  held: Partial<Record<'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey', boolean>> = {},
) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...held,
});

describe('a stroke', () => {
  it.each([
    [stroke('k', { ctrlKey: true }), 'mod+k'],
    [stroke('k', { metaKey: true }), 'mod+k'],
    [stroke('L', { ctrlKey: true, shiftKey: true }), 'mod+shift+l'],
    [stroke('?', { shiftKey: true }), '?'],
    [stroke('ArrowUp'), 'up'],
    [stroke(' '), 'space'],
    [stroke('Enter', { shiftKey: true }), 'shift+enter'],
  ])('%o is named %s', (given, name) => {
    expect(nameStroke(given)).toBe(name);
  });
});

describe('the keyboard', () => {
  it('follows a sequence within its moment, and takes the second key alone after it', () => {
    const keyboard = new Keyboard();
    expect(keyboard.press(stroke('g'), false, actions, 0)).toBeNull();
    expect(keyboard.press(stroke('r'), false, actions, sequenceMs)?.id).toBe('requests');
    keyboard.press(stroke('g'), false, actions, 10_000);
    expect(keyboard.press(stroke('r'), false, actions, 10_001 + sequenceMs)?.id).toBe('refresh');
  });

  it('is not confused by keys that are only held', () => {
    const keyboard = new Keyboard();
    keyboard.press(stroke('g'), false, actions, 0);
    expect(keyboard.press(stroke('Shift', { shiftKey: true }), false, actions, 1)).toBeNull();
    expect(keyboard.press(stroke('r'), false, actions, 2)?.id).toBe('requests');
  });

  it('leaves letters to whoever is typing, but not strokes with Ctrl or Cmd', () => {
    const keyboard = new Keyboard();
    for (const key of ['r', '?', 'g']) expect(keyboard.press(stroke(key), true, actions, 0)).toBeNull();
    expect(keyboard.press(stroke('k', { ctrlKey: true }), true, actions, 0)?.id).toBe('palette');
  });
});
