// The next names are those that sorting everything would give, whatever the order in which names are offered.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { NextNames } from './next-names.ts';

it('takes the first names behind a given one, and says whether there are more', () => {
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(
      fc.uniqueArray(name, { maxLength: 60 }),
      name,
      fc.integer({ min: 1, max: 8 }),
      (all, after, count) => {
        const next = new NextNames(after, count);
        for (const each of all) if (next.wants(each)) next.offer(each);
        const expected = all.filter((each) => each > after).sort();
        const { names, complete } = next.take();
        expect(names).toEqual(expected.slice(0, count));
        expect(complete).toBe(expected.length <= count);
      },
    ),
  );
});

it('never passes over a folder that has some of them', () => {
  const part = fc.constantFrom('a', 'b', 'ab', 'a b', 'a.b', 'é', '\uffee');
  const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
  fc.assert(
    fc.property(
      fc.uniqueArray(path, { minLength: 1 }),
      path,
      fc.integer({ min: 1, max: 4 }),
      (all, after, count) => {
        const next = new NextNames(after, count);
        for (const each of all) {
          const folder = each.slice(0, each.lastIndexOf('/') + 1);
          const passed = folder !== '' && !next.mayTakeBelow(folder);
          expect(passed && next.wants(each)).toBe(false);
          if (next.wants(each)) next.offer(each);
        }
      },
    ),
  );
});
