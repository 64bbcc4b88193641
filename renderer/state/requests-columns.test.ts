// Columns: what is chosen stays chosen, widths stay in their bounds, and a broken memory does no harm.
import { describe, expect, it } from 'vitest';
import { Columns, columns, defaultColumns, moved, toggled } from './requests-columns.svelte.ts';

function storage(start: Record<string, string> = {}) {
  const kept = new Map(Object.entries(start));
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
}

describe('Columns', () => {
  it('remembers the choice and its order', () => {
    const kept = storage();
    new Columns(kept).remember(['rpc', 'time']);
    expect(new Columns(kept).shown([]).map(({ name }) => name)).toEqual(['rpc', 'time']);
  });

  it('shows what the address names instead, and leaves the memory alone', () => {
    const chosen = new Columns(storage());
    expect(chosen.shown(['status', 'nonsense']).map(({ name }) => name)).toEqual(['status']);
    expect(chosen.shown([]).map(({ name }) => name)).toEqual(defaultColumns);
  });

  it.each(['{', '"x"', '[1,2]', 'null'])('takes a memory of %j for none', (memory) => {
    const keys = { 'gatehouse.requests.columns': memory, 'gatehouse.requests.widths': memory };
    expect(new Columns(storage(keys)).shown([]).map(({ name }) => name)).toEqual(defaultColumns);
  });

  it('keeps a width between its bounds', () => {
    const kept = new Columns(storage());
    const column = columns[0]!;
    kept.setWidth(column, 1);
    expect(kept.widthOf(column)).toBe(column.leastPx);
    kept.setWidth(column, 10_000);
    expect(kept.widthOf(column)).toBe(800);
  });

  it('works where the browser keeps nothing', () => {
    const refuse = () => {
      throw new Error('refused');
    };
    const kept = new Columns({ getItem: refuse, setItem: refuse });
    kept.remember(['rpc']);
    expect(kept.shown([])).toHaveLength(1);
  });
});

describe('the order of columns', () => {
  it('puts a column that is shown again where the full list has it', () => {
    expect(toggled(['time', 'rpc'], 'status')).toEqual(['time', 'status', 'rpc']);
    expect(toggled(['time', 'rpc'], 'marks')).toEqual(['marks', 'time', 'rpc']);
  });

  it('keeps the last one shown', () => {
    expect(toggled(['time'], 'time')).toEqual(['time']);
  });

  it('moves a column within the ends', () => {
    expect(moved(['a', 'b', 'c'] as never, 'a' as never, 1)).toEqual(['b', 'a', 'c']);
    expect(moved(['a', 'b', 'c'] as never, 'c' as never, 5)).toEqual(['a', 'b', 'c']);
  });
});
