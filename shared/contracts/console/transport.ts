// How the console API crosses a boundary: the same messages over HTTPS and WebSocket (headless) and over Electron's
// IPC (desktop).
//
// Headless: `POST /api/<call>` with the arguments as JSON answers 200 `{"result":…}`, or another status with
// `{"error":{code,message,details?}}`; aborting the request cancels the call. `GET /events` upgrades to a WebSocket.
// Desktop: the preload exposes `ConsoleBridge` as `window.gatehouse`.
import type { SerialisedError } from '../errors.ts';
import type { CallArgs, CallName, CallResult } from './calls.ts';
import type { TopicName, Topics } from './topics.ts';

export type CallAnswer<N extends CallName> =
  { readonly result: CallResult<N> } | { readonly error: SerialisedError };

/** From the page, over the WebSocket: what it wants to be told. Replaces what it wanted before. */
export interface Subscribe {
  readonly subscribe: readonly TopicName[];
}

/** To the page. */
export type TopicMessage = { [N in TopicName]: { readonly topic: N; readonly value: Topics[N] } }[TopicName];

/** What the preload gives the page, and all that it gives. */
export interface ConsoleBridge {
  /** `id` names the call for `cancel`. */
  call(id: number, name: CallName, args: unknown): Promise<CallAnswer<CallName>>;
  cancel(id: number): void;
  subscribe(topics: readonly TopicName[]): void;
  /** Returns the unsubscribe. */
  onTopic(tell: (message: TopicMessage) => void): () => void;
}

export type CallFunction = <N extends CallName>(
  name: N,
  args: CallArgs<N>,
  options?: { readonly signal?: AbortSignal },
) => Promise<CallResult<N>>;

/** Longest message either way, in bytes. */
export const maxMessageBytes = 2 * 1024 * 1024;

/** Names that the page and the hosts agree on. */
export const consolePaths = { call: '/api/', events: '/events', exports: '/exports/' } as const;
