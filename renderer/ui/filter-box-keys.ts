// What a key does in a filter box. Changes the box where that is all there is to it, and names the rest.
import type { FilterBox } from './filter-box.svelte.ts';

/** `done`: the box has done it. Null: the key is the browser's. */
export type BoxKey = 'accept' | 'leave' | 'offer' | 'done';

type Stroke = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'altKey' | 'metaKey' | 'shiftKey'>;

export function filterBoxKey(stroke: Stroke, box: FilterBox): BoxKey | null {
  if (stroke.key === ' ' && stroke.ctrlKey) return 'offer';
  if (stroke.ctrlKey || stroke.metaKey) return null;
  switch (stroke.key) {
    case 'ArrowDown':
    case 'ArrowUp':
      return arrow(stroke, box);
    case 'Tab':
      return box.open && !stroke.shiftKey ? 'accept' : null;
    case 'Enter':
      if (box.active >= 0) return 'accept';
      box.submit();
      return 'done';
    case 'Escape':
      if (!box.open) return 'leave';
      box.close();
      return 'done';
    default:
      return null;
  }
}

/** Down opens and goes into the options; up leaves them, and from there goes back in the history. */
function arrow(stroke: Stroke, box: FilterBox): BoxKey {
  const down = stroke.key === 'ArrowDown';
  if (stroke.altKey) return 'offer';
  if (box.open && (down || box.active >= 0)) box.moveActive(down ? 1 : -1);
  else {
    box.close();
    box.recall(down ? -1 : 1);
  }
  return 'done';
}
