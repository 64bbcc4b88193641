// What was opened is closed, the last first, all of it, and once.
import { expect, it } from 'vitest';
import { Opened } from './opened.ts';

it('closes the last opened first, each once', async () => {
  const opened = new Opened();
  const order: string[] = [];
  opened.add(() => order.push('a'));
  opened.add(
    async () => {
      await new Promise(setImmediate);
      order.push('b');
    },
    () => order.push('c'),
  );
  await opened.close();
  await opened.close();
  expect(order).toEqual(['c', 'b', 'a']);
});

it('closes the rest where closing one fails, and tells the first failure', async () => {
  const opened = new Opened();
  const order: string[] = [];
  opened.add(() => order.push('lock'));
  for (const reason of ['second', 'first']) opened.add(() => Promise.reject(new Error(reason)));
  await expect(opened.close()).rejects.toThrow('first');
  expect(order).toEqual(['lock']);
});
