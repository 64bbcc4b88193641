// The window held against a list that grows and loses rows at any place, under any sequence of scrolling, resizing and
// pages: what is on the screen stays where it is, and no place is empty without a page under way.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxRows, pageRows, RowWindow, rowHeightPx } from './requests-window.ts';
import type { Fetch, Row, RowPage } from './requests-window.ts';

/** A log of ids, newest first, as the service pages it. */
class Log {
  ids: number[];
  #newest: number;

  constructor(length: number) {
    this.#newest = length;
    this.ids = Array.from({ length }, (_, index) => length - index);
  }

  insert(count: number): void {
    for (let added = 0; added < count; added += 1) this.ids.unshift((this.#newest += 1));
  }

  remove(id: number | undefined): void {
    this.ids = this.ids.filter((known) => known !== id);
  }

  read(fetch: Fetch): RowPage<Row> {
    switch (fetch.kind) {
      case 'head':
        return this.#slice(0, pageRows);
      case 'end':
        return this.#slice(this.ids.length - pageRows, this.ids.length);
      case 'near':
        return this.#from(Math.floor(fetch.share * this.ids.length));
      case 'at':
      case 'refresh':
        return this.#around(fetch.id);
      case 'after':
        return fetch.cursor === null
          ? this.#around(fetch.id)
          : this.#from(this.#behind(Number(fetch.cursor)));
      case 'before': {
        if (fetch.cursor === null) return this.#around(fetch.id);
        const end = this.ids.filter((id) => id > Number(fetch.cursor)).length;
        return this.#slice(end - pageRows, end);
      }
    }
  }

  #behind(id: number): number {
    return this.ids.filter((known) => known >= id).length;
  }

  #around(id: number): RowPage<Row> {
    return this.#from(this.#behind(id) - pageRows / 2);
  }

  #from(start: number): RowPage<Row> {
    return this.#slice(start, Math.max(0, start) + pageRows);
  }

  #slice(from: number, to: number): RowPage<Row> {
    const start = Math.max(0, from);
    const ids = this.ids.slice(start, Math.max(start, to));
    const end = start + ids.length;
    return {
      rows: ids.map((id) => ({ id })),
      previous: start > 0 ? String(ids[0] ?? 0) : null,
      next: end < this.ids.length ? String(ids.at(-1) ?? 0) : null,
    };
  }
}

/** Id and pixel of the row at the top of the screen. */
function top(window: RowWindow<Row>): { id: number; px: number } | null {
  const row = window.rows[window.topIndex];
  return row === undefined ? null : { id: row.id, px: window.topIndex * rowHeightPx - window.offset };
}

function expectNoGap(window: RowWindow<Row>): void {
  const below = window.rows.length * rowHeightPx - window.offset < window.heightPx;
  const above = window.offset < 0;
  const uncovered = (below && window.after.kind !== 'none') || (above && window.before.kind !== 'none');
  if (uncovered || !window.loaded) expect(window.need()).not.toBeNull();
  if (above) expect(window.before.kind).not.toBe('none');
}

function expectInOrder(window: RowWindow<Row>): void {
  const ids = window.rows.map((row) => row.id);
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => b - a));
}

type Step =
  | { do: 'scroll'; px: number }
  | { do: 'resize'; px: number }
  | { do: 'insert'; count: number }
  | { do: 'remove'; index: number }
  | { do: 'fetch' }
  | { do: 'refresh' }
  | { do: 'jump'; fetch: Fetch };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('scroll'), px: fc.integer({ min: -9000, max: 9000 }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('fetch') }) },
  fc.record({ do: fc.constant('resize'), px: fc.integer({ min: 0, max: 1600 }) }),
  fc.record({ do: fc.constant('insert'), count: fc.integer({ min: 1, max: 400 }) }),
  fc.record({ do: fc.constant('remove'), index: fc.nat(2000) }),
  fc.record({ do: fc.constant('refresh') }),
  fc.record({
    do: fc.constant('jump'),
    fetch: fc.oneof(
      fc.constantFrom<Fetch>({ kind: 'head' }, { kind: 'end' }),
      fc.record({ kind: fc.constant('near'), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({ kind: fc.constant('at'), id: fc.integer({ min: 1, max: 2500 }) }),
    ),
  }),
);

function take(window: RowWindow<Row>, log: Log, fetch: Fetch): void {
  const before = top(window);
  const full = window.rows.length * rowHeightPx - window.offset >= window.heightPx;
  window.apply(fetch, log.read(fetch));
  const joined = fetch.kind === 'after' || fetch.kind === 'before' || fetch.kind === 'refresh';
  // Where the rows end on the screen there is room for more, and all of them are seen anyway.
  if (joined && full && before !== null && before.px <= 0) expect(top(window)).toEqual(before);
}

function perform(window: RowWindow<Row>, log: Log, step: Step): void {
  switch (step.do) {
    case 'scroll':
      return window.scrollBy(step.px);
    case 'resize':
      return window.resize(step.px);
    case 'insert':
      log.insert(step.count);
      return window.grown('before');
    case 'remove':
      return log.remove(log.ids[step.index]);
    case 'jump':
      return window.jump(step.fetch);
    case 'refresh':
      return window.loaded ? take(window, log, { kind: 'refresh', id: top(window)?.id ?? 1 }) : undefined;
    case 'fetch': {
      const need = window.need();
      return need === null ? undefined : take(window, log, need);
    }
  }
}

describe('RowWindow', () => {
  it('keeps its place and shows no gap without a page under way, whatever happens', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2000 }), fc.array(step, { maxLength: 60 }), (length, steps) => {
        const log = new Log(length);
        const window = new RowWindow<Row>();
        window.resize(700);
        for (const next of steps) {
          perform(window, log, next);
          expectNoGap(window);
          expectInOrder(window);
          expect(window.rows.length).toBeLessThanOrEqual(maxRows + pageRows);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('comes to rest: with pages as needed, and nobody scrolling, it asks for no more', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const log = new Log(1500);
        const window = new RowWindow<Row>();
        window.resize(700);
        for (const next of steps) perform(window, log, next);
        let pages = 0;
        for (let need = window.need(); need !== null; need = window.need()) {
          take(window, log, need);
          expect((pages += 1)).toBeLessThan(20);
        }
      }),
    );
  });

  it('reaches the last row by scrolling alone and keeps no more than its bound', () => {
    const log = new Log(30_000);
    const window = new RowWindow<Row>();
    window.resize(700);
    for (let turn = 0; turn < 4000 && !(window.loaded && window.atEnd); turn += 1) {
      const need = window.need();
      if (need !== null) take(window, log, need);
      window.scrollBy(1500);
    }
    expect(window.rows.at(-1)?.id).toBe(1);
    expect(window.rows.length).toBeLessThanOrEqual(maxRows + pageRows);
  });

  it('numbers its rows so that one keeps its number when others come before it', () => {
    const log = new Log(500);
    const window = new RowWindow<Row>();
    window.resize(280);
    take(window, log, { kind: 'head' });
    log.insert(3);
    take(window, log, { kind: 'head' });
    expect([window.base, window.rows[3]?.id]).toEqual([-3, 500]);
  });

  it('keeps asking for the place last dragged to when the page of an earlier one arrives', () => {
    const log = new Log(1000);
    const window = new RowWindow<Row>();
    window.resize(280);
    take(window, log, { kind: 'head' });
    const early: Fetch = { kind: 'near', share: 0.2 };
    const late: Fetch = { kind: 'near', share: 0.8 };
    window.jump(early);
    window.jump(late);
    take(window, log, early);
    expect(window.need()).toBe(late);
  });

  it('lets nothing go where rows cannot be asked for by id', () => {
    const log = new Log(3000);
    const window = new RowWindow<Row>({ byId: false });
    window.resize(700);
    for (let turn = 0; turn < 200; turn += 1) {
      const need = window.need();
      if (need !== null) take(window, log, need);
      window.scrollBy(2000);
    }
    expect(window.rows).toHaveLength(3000);
  });
});
