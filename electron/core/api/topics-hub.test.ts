// What subscribers are told, when, and what runs for them.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Mock } from 'vitest';
import { topicNames } from '../../../shared/contracts/console/topics.ts';
import type { TopicName, Topics } from '../../../shared/contracts/console/topics.ts';
import type { TopicMessage } from '../../../shared/contracts/console/transport.ts';
import { ConsoleSession } from './console-session.ts';
import { TopicsHub } from './topics-hub.ts';
import type { TopicSource, TopicSources } from './topics-hub.ts';

let value: Topics[TopicName];
let changed: (() => void) | null;
let read: Mock<TopicSource<TopicName>['read']>;
let errors: unknown[];
let hub: TopicsHub;
let told: TopicMessage[];

beforeEach(() => {
  vi.useFakeTimers();
  value = { newestId: 1 };
  changed = null;
  errors = [];
  told = [];
  read = vi.fn(() => value);
  const source: TopicSource<TopicName> = {
    read,
    watch: (tell: () => void) => {
      changed = tell;
      return () => (changed = null);
    },
  };
  const sources = Object.fromEntries(topicNames.map((name) => [name, source])) as TopicSources;
  hub = new TopicsHub(sources, (error) => errors.push(error));
});
afterEach(() => vi.useRealTimers());

const session = (signedIn = true): ConsoleSession => {
  const made = new ConsoleSession({ source: 'a', place: 'browser a' }, 0);
  if (signedIn) made.signIn();
  return made;
};
const subscribe = (to: TopicName, of = session()): (() => void) =>
  hub.subscribe(of, to, (message) => told.push(message));
const values = (): unknown[] => told.map((message) => message.value);

describe('TopicsHub', () => {
  it('tells the present value at once, and a newer one once it comes', async () => {
    subscribe('audit');
    await vi.advanceTimersByTimeAsync(0);
    expect(values()).toEqual([{ newestId: 1 }]);
    value = { newestId: 2 };
    changed?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(values()).toEqual([{ newestId: 1 }, { newestId: 2 }]);
  });

  it('tells no more than four a second, and never misses the newest', async () => {
    subscribe('audit');
    for (let each = 2; each <= 1_000; each += 1) {
      value = { newestId: each };
      changed?.();
      await vi.advanceTimersByTimeAsync(1);
    }
    await vi.advanceTimersByTimeAsync(250);
    expect(told.length).toBeGreaterThan(3);
    expect(told.length).toBeLessThanOrEqual(6);
    expect(values().at(-1)).toEqual({ newestId: 1_000 });
  });

  it('does not tell the same value twice', async () => {
    subscribe('audit');
    for (let each = 0; each < 5; each += 1) {
      changed?.();
      await vi.advanceTimersByTimeAsync(300);
    }
    expect(told).toHaveLength(1);
  });

  it('runs what makes values only while somebody listens', async () => {
    expect(changed).toBeNull();
    const [first, second] = [subscribe('audit'), subscribe('audit')];
    expect(changed).not.toBeNull();
    first();
    expect(changed).not.toBeNull();
    second();
    expect(changed).toBeNull();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(told).toEqual([]);
  });

  it('makes a value once for all who listen to it', async () => {
    for (let each = 0; each < 10; each += 1) subscribe('audit');
    await vi.advanceTimersByTimeAsync(300);
    read.mockClear();
    value = { newestId: 2 };
    changed?.();
    await vi.advanceTimersByTimeAsync(300);
    expect(read).toHaveBeenCalledTimes(1);
    expect(values().filter((each) => each === value)).toHaveLength(10);
  });

  it.each(topicNames.filter((name) => name !== 'console'))(
    'tells nobody of %s before the sign-in or after the sign-out',
    async (name) => {
      const of = session(false);
      subscribe(name, of);
      await vi.advanceTimersByTimeAsync(300);
      expect(told).toEqual([]);
      of.signIn();
      await vi.advanceTimersByTimeAsync(300);
      expect(told).toHaveLength(1);
      of.signOut();
      value = { newestId: 2 };
      changed?.();
      await vi.advanceTimersByTimeAsync(300);
      expect(told).toHaveLength(1);
    },
  );

  it('tells no value that was being made when the session was signed out', async () => {
    const slow = Promise.withResolvers<Topics[TopicName]>();
    read.mockReturnValueOnce(slow.promise);
    const of = session();
    subscribe('tokens', of);
    await vi.advanceTimersByTimeAsync(0);
    of.signOut();
    slow.resolve({ tokens: [], problems: [] });
    await vi.advanceTimersByTimeAsync(300);
    expect(told).toEqual([]);
  });

  it('tells a value that was slow to make before a newer one, never after it', async () => {
    const slow = Promise.withResolvers<Topics[TopicName]>();
    read.mockReturnValueOnce(slow.promise);
    subscribe('audit');
    await vi.advanceTimersByTimeAsync(0);
    value = { newestId: 2 };
    changed?.();
    await vi.advanceTimersByTimeAsync(300);
    slow.resolve({ newestId: 1 });
    await vi.advanceTimersByTimeAsync(300);
    expect(values()).toEqual([{ newestId: 1 }, { newestId: 2 }]);
  });

  it('goes on after a value could not be made', async () => {
    read.mockImplementationOnce(() => {
      throw new Error('no disk');
    });
    subscribe('audit');
    await vi.advanceTimersByTimeAsync(0);
    expect([told, errors.length]).toEqual([[], 1]);
    changed?.();
    await vi.advanceTimersByTimeAsync(300);
    expect(values()).toEqual([{ newestId: 1 }]);
  });
});
