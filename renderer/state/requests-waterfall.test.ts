// The waterfall: parts stand behind one another without gap or overlap, and what did not happen takes no room.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { waterfallOf } from './requests-waterfall.ts';

const none = { queueMs: null, handshakeMs: null, verificationMs: null, handlerMs: null, transferMs: null };

describe('waterfallOf', () => {
  it('puts the making of the session before the request', () => {
    const { bars, totalMs } = waterfallOf({
      queueMs: 1,
      handshakeMs: 6,
      verificationMs: 2,
      handlerMs: 10,
      transferMs: 1,
    });
    expect(totalMs).toBe(20);
    expect(bars.map(({ part, startMs }) => [part, startMs])).toEqual([
      ['handshake', 0],
      ['verification', 6],
      ['queue', 8],
      ['handler', 9],
      ['transfer', 19],
    ]);
    expect(bars[3]).toMatchObject({ start: 0.45, width: 0.5 });
  });

  it('shows nothing of a request without a time, and divides by no zero', () => {
    const { bars, totalMs } = waterfallOf(none);
    expect(totalMs).toBe(0);
    expect(bars.every(({ ms, start, width }) => ms === null && start === 0 && width === 0)).toBe(true);
  });

  it.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('takes %s for not measured', (handlerMs) => {
    expect(waterfallOf({ ...none, handlerMs, queueMs: 2 })).toMatchObject({ totalMs: 2 });
  });

  it('fills the whole, each part where the one before it ends', () => {
    const ms = fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }));
    const timing = fc.record({
      queueMs: ms,
      handshakeMs: ms,
      verificationMs: ms,
      handlerMs: ms,
      transferMs: ms,
    });
    fc.assert(
      fc.property(timing, (sample) => {
        const { bars, totalMs } = waterfallOf(sample);
        for (const [index, bar] of bars.entries()) {
          const before = bars[index - 1];
          expect(bar.start).toBeCloseTo(before === undefined ? 0 : before.start + before.width, 6);
        }
        const widths = bars.reduce((sum, bar) => sum + bar.width, 0);
        expect(widths).toBeCloseTo(totalMs === 0 ? 0 : 1, 6);
      }),
    );
  });
});
