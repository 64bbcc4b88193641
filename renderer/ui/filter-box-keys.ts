// What a key does in a filter box. Changes the box where that is all there is to it, and names the rest.
import type { FilterBox } from './filter-box.svelte.ts';

/** `done`: the box has done it. Null: the key is the browser's. */
export type BoxKey = 'accept' | 'leave' | 'offer' | 'done';

type Stroke = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'altKey' | 'metaKey' | 'shiftKey'>;

export function filterBoxKey(stroke: Stroke, box: FilterBox): BoxKey | null {
  if (stroke.key === ' ' && stroke.ctrlKey) return 'offer';
  return stroke.ctrlKey || stroke.metaKey ? null : (keys[stroke.key]?.(stroke, box) ?? null);
}

const keys: Readonly<Record<string, (stroke: Stroke, box: FilterBox) => BoxKey | null>> = {
  ArrowDown: arrow,
  ArrowUp: arrow,
  Tab: (stroke, box) => (box.open && !stroke.shiftKey ? 'accept' : null),
  Enter: (_stroke, box) => {
    if (box.active >= 0) return 'accept';
    box.submit();
    return 'done';
  },
  Escape: (_stroke, box) => {
    if (!box.open) return 'leave';
    box.close();
    return 'done';
  },
};

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
