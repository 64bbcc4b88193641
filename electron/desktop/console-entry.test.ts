// Who may speak to the console through IPC, and in what form: tables of senders and messages, with what was refused on
// record. Electron's types only; nothing of it is loaded.
import type { IpcMain, IpcMainInvokeEvent, WebContents } from 'electron';
import { describe, expect, it } from 'vitest';
import type { TopicMessage } from '../../shared/contracts/console/transport.ts';
import { ConsoleEntry } from './console-entry.ts';
import { origin } from './address.ts';

type Handler = (event: Partial<IpcMainInvokeEvent>, message: unknown) => unknown;
type Listener = (details: object) => void;

function world() {
  const handlers = new Map<string, Handler>();
  const listeners = new Map<string, Listener>();
  const sent: TopicMessage[][] = [];
  const refused: string[] = [];
  const calls: { name: string; signal: AbortSignal; answer: (result: object) => void }[] = [];
  const tellers = new Map<string, (message: TopicMessage) => void>();
  const frame = { frameTreeNodeId: 7, parent: null, origin };
  const contents = {
    mainFrame: frame,
    isDestroyed: () => false,
    send: (_channel: string, messages: TopicMessage[]) => sent.push(messages),
    on: (name: string, listener: Listener) => listeners.set(name, listener),
  };
  const ipc = { handle: (channel: string, handler: Handler) => handlers.set(channel, handler) };
  new ConsoleEntry(as<IpcMain>(ipc), as<WebContents>(contents), {
    call: (name, _args, signal) =>
      new Promise((resolve) =>
        calls.push({ name, signal, answer: (result) => resolve(as<{ result: never }>({ result })) }),
      ),
    subscribe: (topic, tell) => {
      tellers.set(topic, tell);
      return () => tellers.delete(topic);
    },
    refused: (subject, { code }) => refused.push(`${subject}: ${code}`),
  });
  const event = as<Partial<IpcMainInvokeEvent>>({ sender: contents, senderFrame: frame });
  const send = (message: unknown, from: object = {}): unknown =>
    handlers.get('gatehouse')?.({ ...event, ...from }, message);
  return { send, sent, refused, calls, tellers, listeners, handlers, contents, frame };
}

/** A part of something of Electron's, where only that part is used. */
function as<T>(part: object): T {
  return part as T;
}

const lock = { kind: 'call', id: 1, name: 'console.lock', args: {} };

describe('the one IPC entry', () => {
  it('is one channel', () => {
    expect([...world().handlers.keys()]).toEqual(['gatehouse']);
  });

  const frame = { frameTreeNodeId: 7, parent: null, origin };
  it.each<[string, object]>([
    ['another window', { sender: {} }],
    ['a frame that is gone', { senderFrame: null }],
    ['a child frame', { senderFrame: { ...frame, parent: frame } }],
    ['another main frame', { senderFrame: { ...frame, frameTreeNodeId: 8 } }],
    ['another site', { senderFrame: { ...frame, origin: 'https://example.org' } }],
    ['another host of our scheme', { senderFrame: { ...frame, origin: 'app://other' } }],
    ['our host with a port', { senderFrame: { ...frame, origin: 'app://gatehouse:1' } }],
    ['a host that begins like ours', { senderFrame: { ...frame, origin: 'app://gatehouse.example' } }],
    ['our host in capitals', { senderFrame: { ...frame, origin: 'app://GATEHOUSE' } }],
    ['an opaque origin', { senderFrame: { ...frame, origin: 'null' } }],
    ['a file', { senderFrame: { ...frame, origin: 'file://' } }],
  ])('refuses %s, and has it on record', (_who, from) => {
    const { send, refused, calls } = world();
    expect(() => send(lock, from)).toThrow('does not come from the console');
    expect(refused).toEqual(['window: origin_refused']);
    expect(calls).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a text', 'console.lock'],
    ['an unknown kind', { kind: 'eval', code: '1' }],
    ['a member too many', { ...lock, more: 1 }],
    ['a call without a name', { kind: 'call', id: 1, args: {} }],
    ['a call whose id is no whole number', { ...lock, id: 1.5 }],
    ['an unknown topic', { kind: 'subscribe', topics: ['secrets'] }],
    [
      'more topics than there are',
      { kind: 'subscribe', topics: Array.from({ length: 99 }, () => 'console') },
    ],
    ['a prototype', JSON.parse('{"__proto__":{"kind":"taken"}}')],
  ])('refuses %s, and has it on record', (_what, message) => {
    const { send, refused } = world();
    expect(() => send(message)).toThrow('not of the form');
    expect(refused).toEqual(['window: console_call_malformed']);
  });

  it('hands a call to the console, and its answer back', async () => {
    const { send, calls } = world();
    const answer = send(lock);
    expect(calls[0]?.name).toBe('console.lock');
    calls[0]?.answer({});
    expect(await answer).toEqual({ result: {} });
  });

  it('cancels the call that is named, and no other', () => {
    const { send, calls } = world();
    void send(lock);
    void send({ ...lock, id: 2 });
    send({ kind: 'cancel', id: 2 });
    expect(calls.map(({ signal }) => signal.aborted)).toEqual([false, true]);
  });

  it('takes no more than 64 calls at a time, and no id twice', async () => {
    const { send } = world();
    for (let id = 1; id <= 64; id += 1) void send({ ...lock, id });
    expect(await send({ ...lock, id: 65 })).toMatchObject({ error: { code: 'limit_exceeded' } });
    expect(await send(lock)).toMatchObject({ error: { code: 'usage' } });
  });

  it('forgets calls and topics when the page is left, not when its fragment changes', () => {
    const { send, calls, tellers, listeners } = world();
    void send(lock);
    send({ kind: 'subscribe', topics: ['console'] });
    listeners.get('did-start-navigation')?.({ isMainFrame: true, isSameDocument: true });
    expect([calls[0]?.signal.aborted, tellers.size]).toEqual([false, 1]);
    listeners.get('did-start-navigation')?.({ isMainFrame: true, isSameDocument: false });
    expect([calls[0]?.signal.aborted, tellers.size]).toEqual([true, 0]);
  });
});

describe('topics', () => {
  const value = (topic: string, newestId: number) => as<TopicMessage>({ topic, value: { newestId } });

  it('wait while the page has not taken the last ones, and only the newest value is kept', () => {
    const { send, sent, tellers } = world();
    send({ kind: 'subscribe', topics: ['audit', 'requests'] });
    for (let id = 1; id <= 1000; id += 1) tellers.get('audit')?.(value('audit', id));
    tellers.get('requests')?.(value('requests', 1));
    expect(sent).toEqual([[value('audit', 1)]]);
    send({ kind: 'taken' });
    expect(sent[1]).toEqual([value('audit', 1000), value('requests', 1)]);
    send({ kind: 'taken' });
    expect(sent).toHaveLength(2);
  });

  it('that are not wanted any more are not told', () => {
    const { send, sent, tellers } = world();
    send({ kind: 'subscribe', topics: ['audit', 'requests'] });
    tellers.get('requests')?.(value('requests', 1));
    tellers.get('audit')?.(value('audit', 1));
    send({ kind: 'subscribe', topics: ['requests'] });
    send({ kind: 'taken' });
    expect(sent).toEqual([[value('requests', 1)]]);
    expect([...tellers.keys()]).toEqual(['requests']);
  });
});
