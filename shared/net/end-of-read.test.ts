// What waits for the end of a read runs there: before any tick, after all that the read brought, and whatever happened.
import { describe, expect, it } from 'vitest';
import { atEndOfRead, duringRead } from './end-of-read.ts';

const octets = Buffer.from('octets');

describe('the end of a read', () => {
  it('runs what was put off once the octets have been taken, before anything of the next tick', async () => {
    const happened: string[] = [];
    process.nextTick(() => happened.push('tick'));
    duringRead((taken) => {
      atEndOfRead(() => happened.push('put off'));
      happened.push(taken.toString());
    }, octets);
    expect(happened).toEqual(['octets', 'put off']);
    await new Promise<void>(process.nextTick);
    expect(happened).toEqual(['octets', 'put off', 'tick']);
  });

  it('is that of the outermost read where one provokes another', () => {
    const happened: string[] = [];
    duringRead(() => {
      duringRead(() => atEndOfRead(() => happened.push('put off')), octets);
      happened.push('outer');
    }, octets);
    expect(happened).toEqual(['outer', 'put off']);
  });

  it('runs what was put off even where the read throws, and nothing of it twice', () => {
    let runs = 0;
    const broken = (): void => {
      atEndOfRead(() => (runs += 1));
      throw new Error('broken');
    };
    expect(() => duringRead(broken, octets)).toThrow('broken');
    duringRead(() => undefined, octets);
    expect(runs).toBe(1);
  });

  it('is the next tick where no read is going on', async () => {
    let runs = 0;
    atEndOfRead(() => (runs += 1));
    expect(runs).toBe(0);
    await new Promise<void>(process.nextTick);
    expect(runs).toBe(1);
  });
});
