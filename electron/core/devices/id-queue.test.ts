// The queue of ids against what it stands for: an ordered map whose first entry goes first.
import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import { IdQueue } from './id-queue.ts';

describe('a queue of ids', () => {
  it('is an ordered map, whatever is added and dropped', () => {
    const step = fc.oneof(fc.record({ id: fc.integer({ min: 0, max: 40 }) }), fc.constant('drop' as const));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const [queue, model] = [new IdQueue(), new Map<string, number>()];
        steps.forEach((each, at) => {
          if (each === 'drop') {
            queue.dropOldest();
            const [first] = model.keys();
            if (first !== undefined) model.delete(first);
          } else {
            queue.add(String(each.id), at);
            model.set(String(each.id), at);
          }
          expect([queue.size, queue.oldest]).toEqual([model.size, model.values().next().value]);
        });
        expect([...queue]).toEqual([...model]);
      }),
    );
  });

  it('drops the oldest of many in the time that it takes for one of few', () => {
    const queue = new IdQueue();
    for (let at = 0; at < 200_000; at += 1) queue.add(String(at), at);
    const began = performance.now();
    for (let at = 0; at < 100_000; at += 1) {
      queue.dropOldest();
      queue.add(`more ${String(at)}`, at);
    }
    expect([queue.size, queue.oldest, queue.has('99999'), queue.has('100000')]).toEqual([
      200_000,
      100_000,
      false,
      true,
    ]);
    // A Map's first key takes 3 s here.
    expect(performance.now() - began).toBeLessThan(1000);
  });
});
