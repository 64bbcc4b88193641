// A turn of the wheel in pixels, whatever unit the browser tells it in. Pure.

/** What browsers scroll a line by, pixels. */
const lineHeightPx = 28;

export function wheelPixels(
  event: Pick<WheelEvent, 'deltaY' | 'deltaMode' | 'shiftKey'>,
  pageHeightPx: number,
): number {
  if (event.shiftKey) return 0;
  if (event.deltaMode === 1) return event.deltaY * lineHeightPx;
  return event.deltaMode === 2 ? event.deltaY * pageHeightPx : event.deltaY;
}
