// Who is told what, and what the service is asked for.
import { describe, expect, it } from 'vitest';
import type { TopicName } from '../../shared/contracts/console/topics.ts';
import { Subscriptions } from './subscriptions.ts';

function make() {
  const asked: (readonly TopicName[])[] = [];
  return { asked, subscriptions: new Subscriptions((topics) => asked.push(topics)) };
}

const turn = () => Promise.resolve();

describe('subscriptions', () => {
  it('ask for a topic once, however many want it, and all changes of a turn together', async () => {
    const { asked, subscriptions } = make();
    subscriptions.add('audit', () => {});
    subscriptions.add('audit', () => {});
    subscriptions.add('console', () => {});
    await turn();
    expect(asked).toEqual([['console', 'audit']]);
  });

  it('give a late-comer the latest value at once', () => {
    const { subscriptions } = make();
    const seen: number[] = [];
    subscriptions.add('audit', () => {});
    subscriptions.tell({ topic: 'audit', value: { newestId: 7 } });
    subscriptions.add('audit', ({ newestId }) => seen.push(newestId));
    expect(seen).toEqual([7]);
  });

  it('end with the last who wanted it, and nothing old is told to the next', async () => {
    const { asked, subscriptions } = make();
    const end = subscriptions.add('audit', () => {});
    subscriptions.tell({ topic: 'audit', value: { newestId: 7 } });
    end();
    end();
    await turn();
    const seen: number[] = [];
    subscriptions.add('audit', ({ newestId }) => seen.push(newestId));
    await turn();
    expect(seen).toEqual([]);
    expect(asked).toEqual([[], ['audit']]);
  });
});
