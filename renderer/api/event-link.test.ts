// The page's WebSocket against a socket that opens, fails, falls silent and ends when the test says so.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TopicMessage } from '../../shared/contracts/console/transport.ts';
import type { ClientLink } from './client.ts';
import { EventLink } from './event-link.ts';

const timing = { firstWait: 100, longestWait: 1_000, opening: 5_000, silence: 30_000 };

class StandInSocket extends EventTarget {
  static readonly made: StandInSocket[] = [];
  readyState: number = WebSocket.CONNECTING;
  readonly sent: unknown[] = [];

  constructor() {
    super();
    StandInSocket.made.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.readyState = WebSocket.CLOSED;
  }

  opens(): void {
    this.readyState = WebSocket.OPEN;
    this.dispatchEvent(new Event('open'));
  }

  ends(): void {
    this.readyState = WebSocket.CLOSED;
    this.dispatchEvent(new Event('close'));
  }

  says(data: unknown): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data }));
  }
}

function start(random = 0.5) {
  const states: ClientLink[] = [];
  const told: TopicMessage[] = [];
  const link = new EventLink({
    open: () => new StandInSocket() as EventTarget as WebSocket,
    tell: (message) => told.push(message),
    onState: (state) => states.push(state),
    wanted: () => ['console', 'sessions'],
    timing,
    random: () => random,
  });
  return { link, states, told };
}

const last = () => StandInSocket.made.at(-1)!;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('WebSocket', { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 });
  StandInSocket.made.length = 0;
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('the link', () => {
  it('says what the page wants as soon as it is open, and again after each new beginning', () => {
    start();
    last().opens();
    expect(last().sent).toEqual([{ subscribe: ['console', 'sessions'] }]);
    last().ends();
    vi.advanceTimersByTime(100);
    last().opens();
    expect(StandInSocket.made).toHaveLength(2);
    expect(last().sent).toEqual([{ subscribe: ['console', 'sessions'] }]);
  });

  it('is not called lost when one try brings it back', () => {
    const { states } = start();
    last().opens();
    last().ends();
    vi.advanceTimersByTime(100);
    last().opens();
    expect(states.map(({ state }) => state)).toEqual(['connecting', 'open', 'open']);
  });

  it('is lost since its end once a try has failed, and says when it tries again', () => {
    const { states } = start();
    last().opens();
    const endedAt = Date.now();
    last().ends();
    vi.advanceTimersByTime(50);
    last().ends();
    expect(states.at(-1)).toEqual({ state: 'lost', since: endedAt, retryAt: Date.now() + 100 });
  });

  it('waits longer after each failure, up to its bound, and never stops trying', () => {
    const { states } = start(1);
    for (let failure = 0; failure < 12; failure += 1) {
      last().ends();
      vi.advanceTimersByTime(timing.longestWait);
    }
    const waits = states.flatMap((state) => (state.state === 'lost' ? [state] : []));
    expect(StandInSocket.made).toHaveLength(13);
    expect(waits.at(-1)!.retryAt - Date.now()).toBeLessThanOrEqual(timing.longestWait);
  });

  it('has one socket at a time, whoever asks for another try', () => {
    const { link } = start();
    link.retryNow();
    expect(StandInSocket.made).toHaveLength(1);
    last().ends();
    link.retryNow();
    link.retryNow();
    vi.advanceTimersByTime(timing.longestWait);
    expect(StandInSocket.made).toHaveLength(2);
  });

  it('gives up a socket that does not open in time', () => {
    start();
    const first = last();
    vi.advanceTimersByTime(timing.opening + 100);
    expect(first.readyState).toBe(WebSocket.CLOSED);
    expect(StandInSocket.made).toHaveLength(2);
  });

  it('asks for a sign of life after a long silence, and begins anew where none comes', () => {
    start();
    last().opens();
    vi.advanceTimersByTime(timing.silence);
    expect(last().sent.slice(1)).toEqual([{ subscribe: [] }, { subscribe: ['console', 'sessions'] }]);
    vi.advanceTimersByTime(timing.opening + 100);
    expect(StandInSocket.made).toHaveLength(2);
  });

  it('stays where the sign of life comes', () => {
    start();
    last().opens();
    vi.advanceTimersByTime(timing.silence);
    last().says('{"topic":"sessions","value":{"total":0,"sessions":[]}}');
    vi.advanceTimersByTime(timing.opening);
    expect(StandInSocket.made).toHaveLength(1);
  });

  it('does not listen to a socket that it has replaced', () => {
    const { link, told } = start();
    const first = last();
    first.opens();
    link.renew();
    first.says('{"topic":"sessions","value":{"total":9,"sessions":[]}}');
    first.ends();
    expect(told).toEqual([]);
    expect(StandInSocket.made).toHaveLength(2);
  });

  it.each([
    ['no JSON', '{'],
    ['no object', '7'],
    ['null', 'null'],
    ['no topic', '{"value":1}'],
    ['an unknown topic', '{"topic":"secrets","value":1}'],
    ['no value', '{"topic":"sessions"}'],
    ['bytes', new Uint8Array([1])],
  ])('passes over %s', (_, data) => {
    const { told } = start();
    last().opens();
    last().says(data);
    expect(told).toEqual([]);
  });
});
