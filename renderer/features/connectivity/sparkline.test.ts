// The latency line: where it runs, and where it must not.
import { describe, expect, it } from 'vitest';
import { sparkline } from './sparkline.ts';

const at = (time: number, latencyMs: number) => ({ at: time, latencyMs });

describe('sparkline', () => {
  it('draws nothing of nothing', () => {
    expect(sparkline([], 100, 20)).toBeNull();
  });

  it('stays inside its box and begins at zero', () => {
    const line = sparkline([at(0, 0), at(1000, 10), at(2000, 5)], 100, 20);
    expect(line).toMatchObject({ path: 'M3 17L50 3L97 10', last: { x: 97, y: 10 }, lowMs: 0, highMs: 10 });
  });

  it('breaks where measurements are missing', () => {
    const line = sparkline([at(0, 1), at(1000, 1), at(2000, 1), at(9000, 1), at(10_000, 1)], 100, 20);
    expect(line?.path.match(/M/g)).toHaveLength(2);
  });

  it.each([[[at(5, 3)]], [[at(5, 0), at(5, 0)]]])('takes %j without dividing by zero', (measurements) => {
    expect(sparkline(measurements, 100, 20)?.path).not.toMatch(/NaN|Infinity/);
  });
});
