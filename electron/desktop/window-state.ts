// Where the window was, kept between runs. Bounds that no display shows any more are not used: a window that cannot be
// seen cannot be moved back.
import type { Rectangle } from 'electron';
import * as v from 'valibot';
import { readFileIfThere, writeFileAtomic } from '../../shared/storage/atomic-file.ts';

export interface WindowState {
  readonly bounds: Rectangle;
  readonly maximized: boolean;
}

/** Of the window, in pixels. */
export const minimumSize = { width: 900, height: 600 } as const;
export const firstSize = { width: 1280, height: 800 } as const;
/** So much of the window's top must be on a display for a person to take hold of it, in pixels. */
const visible = { width: 100, height: 40 } as const;

const pixels = v.pipe(v.number(), v.integer(), v.minValue(-100_000), v.maxValue(100_000));
const schema = v.object({
  bounds: v.object({ x: pixels, y: pixels, width: pixels, height: pixels }),
  maximized: v.boolean(),
});

/** Null where there is none that can be used. */
export async function readWindowState(
  path: string,
  workAreas: readonly Rectangle[],
): Promise<WindowState | null> {
  const bytes = await readFileIfThere(path).catch(() => null);
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), bytes?.toString('utf8'));
  return parsed.success && isUsable(parsed.output.bounds, workAreas) ? parsed.output : null;
}

export function writeWindowState(path: string, state: WindowState): Promise<void> {
  return writeFileAtomic(path, `${JSON.stringify(state)}\n`);
}

/** Large enough, and with its top edge on one of the displays. */
export function isUsable(bounds: Rectangle, workAreas: readonly Rectangle[]): boolean {
  if (bounds.width < minimumSize.width || bounds.height < minimumSize.height) return false;
  return workAreas.some((area) => {
    const shown = Math.min(bounds.x + bounds.width, area.x + area.width) - Math.max(bounds.x, area.x);
    const below = area.y + area.height - bounds.y;
    return shown >= visible.width && bounds.y >= area.y && below >= visible.height;
  });
}
