// What waits for a tab that does not read, counted to the byte: the connection is one that takes nothing until it is told.
import { IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ConsoleSessions } from '../core/api/console-sessions.ts';
import type { TellTopic } from '../core/api/topics-hub.ts';
import type { TopicName } from '../../shared/contracts/console/topics.ts';
import type { TopicMessage } from '../../shared/contracts/console/transport.ts';
import { EventSockets } from './event-sockets.ts';

/** The length of a value here, in characters. */
const valueLength = 10_000;
/** What may lie in a socket before its tab counts as slow, and the value that went over it. */
const mostBuffered = 64 * 1024 + 2 * valueLength;

/** A tab's connection. While it is stalled, what is written stays where it was. */
class Connection extends Duplex {
  stalled = false;
  written = '';
  #held: (() => void) | null = null;

  override _read(): void {
    // What the tab says is pushed.
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.written += chunk.toString('latin1');
    if (this.stalled) this.#held = done;
    else done();
  }

  /** Sends a text as a browser does: masked, here by zeros. */
  say(text: string): void {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(text.length);
    this.push(Buffer.concat([Buffer.from([0x81, 0xfe]), length, Buffer.alloc(4), Buffer.from(text)]));
  }

  takeAll(): void {
    this.stalled = false;
    const held = this.#held;
    this.#held = null;
    held?.();
  }
}

const tellers = new Map<TopicName, TellTopic>();
const sockets = new EventSockets({
  subscribe: (_session, topic, tell) => {
    tellers.set(topic, tell);
    return () => tellers.delete(topic);
  },
});

function upgradeRequest(): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  Object.assign(request, { method: 'GET', url: '/events' });
  Object.assign(request.headers, {
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  });
  return request;
}

async function open(topics: readonly TopicName[]): Promise<Connection> {
  tellers.clear();
  const connection = new Connection();
  const session = new ConsoleSessions().open({ source: 'a', place: 'browser a' });
  sockets.open(upgradeRequest(), connection, Buffer.alloc(0), session, null);
  connection.say(JSON.stringify({ subscribe: topics }));
  await vi.waitFor(() => expect([...tellers.keys()].sort()).toEqual([...topics].sort()));
  return connection;
}

const value = (topic: TopicName, number: number): TopicMessage =>
  ({ topic, value: `${topic} ${number} ${'x'.repeat(valueLength)}` }) as unknown as TopicMessage;

const tell = (topic: TopicName, number: number): void => tellers.get(topic)?.(value(topic, number));

afterEach(() => tellers.clear());

describe('a tab that does not read', () => {
  it('has one value a topic waiting for it, however many came, and then gets the newest of each', async () => {
    const connection = await open(['tokens', 'audit']);
    connection.stalled = true;
    for (let number = 1; number <= 1000; number += 1) {
      tell('tokens', number);
      tell('audit', number);
    }
    expect(connection.writableLength).toBeLessThan(mostBuffered);
    connection.takeAll();
    await vi.waitFor(() => {
      expect(['tokens 1000 ', 'audit 1000 '].filter((text) => !connection.written.includes(text))).toEqual(
        [],
      );
    });
    expect(connection.written.length).toBeLessThan(2 * mostBuffered);
    expect(connection.written.includes('tokens 500 ')).toBe(false);
  });

  it('keeps no other from being told everything', async () => {
    const slow = await open(['tokens']);
    slow.stalled = true;
    const tellSlow = tellers.get('tokens');
    const fast = await open(['tokens']);
    for (let number = 1; number <= 100; number += 1) {
      tellSlow?.(value('tokens', number));
      tell('tokens', number);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const missing = Array.from({ length: 100 }, (_each, index) => `tokens ${index + 1} `).filter((text) => {
      return !fast.written.includes(text);
    });
    expect(missing).toEqual([]);
    expect(slow.writableLength).toBeLessThan(mostBuffered);
  });

  it('is forgotten with all that waited for it when its connection goes', async () => {
    const connection = await open(['tokens']);
    connection.stalled = true;
    for (let number = 1; number <= 20; number += 1) tell('tokens', number);
    connection.destroy();
    await vi.waitFor(() => expect(tellers.has('tokens')).toBe(false));
  });
});
