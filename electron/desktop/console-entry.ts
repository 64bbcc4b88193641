// The one IPC entry of the desktop: who sent it, then its form, then the console's dispatch, which checks arguments and
// rights. Nothing else in the app may listen on ipcMain.
import type { IpcMain, IpcMainInvokeEvent, WebContents } from 'electron';
import * as v from 'valibot';
import type { CallName } from '../../shared/contracts/console/calls.ts';
import { desktopChannels } from '../../shared/contracts/console/desktop-messages.ts';
import { topicNames } from '../../shared/contracts/console/topics.ts';
import type { TopicName } from '../../shared/contracts/console/topics.ts';
import type { CallAnswer, TopicMessage } from '../../shared/contracts/console/transport.ts';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { origin } from './address.ts';
import { TopicFeed } from './topic-feed.ts';

/** Calls of the window under way at the same time. */
const maxCalls = 64;

/** The console behind the window, already bound to its session. */
export interface WindowConsole {
  call(name: string, args: unknown, signal: AbortSignal): Promise<CallAnswer<CallName>>;
  /** Returns the unsubscribe. */
  subscribe(topic: TopicName, tell: (message: TopicMessage) => void): () => void;
  /** Something was refused before it was a call. */
  refused(subject: string, error: GatehouseError): void;
}

const callId = v.pipe(v.number(), v.safeInteger());
const messageSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('call'), id: callId, name: v.string(), args: v.unknown() }),
  v.strictObject({ kind: v.literal('cancel'), id: callId }),
  v.strictObject({
    kind: v.literal('subscribe'),
    topics: v.pipe(v.array(v.picklist(topicNames)), v.maxLength(topicNames.length)),
  }),
  v.strictObject({ kind: v.literal('taken') }),
]);

export class ConsoleEntry {
  readonly #contents: WebContents;
  readonly #console: WindowConsole;
  readonly #calls = new Map<number, AbortController>();
  readonly #topics = new Map<TopicName, () => void>();
  readonly #feed: TopicFeed;

  constructor(ipc: IpcMain, contents: WebContents, console: WindowConsole) {
    this.#contents = contents;
    this.#console = console;
    this.#feed = new TopicFeed((messages) => {
      if (!contents.isDestroyed()) contents.send(desktopChannels.topics, messages);
    });
    ipc.handle(desktopChannels.entry, (event, message: unknown) => this.#receive(event, message));
    contents.on('did-start-navigation', ({ isMainFrame, isSameDocument }) => {
      if (isMainFrame && !isSameDocument) this.#forget();
    });
    contents.on('render-process-gone', () => this.#forget());
  }

  #receive(event: IpcMainInvokeEvent, message: unknown): Promise<CallAnswer<CallName>> | undefined {
    if (!isConsole(event, this.#contents)) {
      const error = new GatehouseError('origin_refused', 'The request does not come from the console.');
      this.#console.refused('window', error);
      throw error;
    }
    const parsed = v.safeParse(messageSchema, message);
    if (!parsed.success)
      throw this.#refusal('console_call_malformed', 'The message is not of the form that the window sends.');
    return this.#handle(parsed.output);
  }

  #handle(message: v.InferOutput<typeof messageSchema>): Promise<CallAnswer<CallName>> | undefined {
    switch (message.kind) {
      case 'call':
        return this.#call(message.id, message.name, message.args);
      case 'cancel':
        this.#calls.get(message.id)?.abort();
        return undefined;
      case 'subscribe':
        this.#subscribe(message.topics);
        return undefined;
      case 'taken':
        this.#feed.taken();
        return undefined;
    }
  }

  async #call(id: number, name: string, args: unknown): Promise<CallAnswer<CallName>> {
    if (this.#calls.has(id))
      return { error: this.#refusal('usage', 'A call with this id is under way.').toJSON() };
    if (this.#calls.size >= maxCalls) {
      return { error: this.#refusal('limit_exceeded', 'Too many calls are under way. Try again.').toJSON() };
    }
    const abort = new AbortController();
    this.#calls.set(id, abort);
    try {
      return await this.#console.call(name, args, abort.signal);
    } finally {
      if (this.#calls.get(id) === abort) this.#calls.delete(id);
    }
  }

  #subscribe(wanted: readonly TopicName[]): void {
    for (const [topic, unsubscribe] of this.#topics) {
      if (wanted.includes(topic)) continue;
      unsubscribe();
      this.#topics.delete(topic);
      this.#feed.drop(topic);
    }
    for (const topic of wanted) {
      if (this.#topics.has(topic)) continue;
      this.#topics.set(
        topic,
        this.#console.subscribe(topic, (message) => this.#feed.push(message)),
      );
    }
  }

  /** The page is gone: so are its calls and subscriptions. */
  #forget(): void {
    for (const abort of this.#calls.values()) abort.abort();
    this.#calls.clear();
    this.#subscribe([]);
    this.#feed.reset();
  }

  #refusal(code: 'usage' | 'limit_exceeded' | 'console_call_malformed', message: string): GatehouseError {
    const error = new GatehouseError(code, message);
    this.#console.refused('window', error);
    return error;
  }
}

/** Known window, its main frame, our exact origin. */
export function isConsole(
  event: Pick<IpcMainInvokeEvent, 'sender' | 'senderFrame'>,
  contents: WebContents,
): boolean {
  const frame = event.senderFrame;
  if (event.sender !== contents || frame?.parent !== null) return false;
  return frame.frameTreeNodeId === contents.mainFrame.frameTreeNodeId && frame.origin === origin;
}
