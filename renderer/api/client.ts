// The one client through which every page speaks to the service, whatever carries it: HTTPS and a WebSocket in a
// browser, the preload's bridge on the desktop. A page must never learn which of the two it is.
import type { CallArgs, CallName, CallResult } from '../../shared/contracts/console/calls.ts';
import type { TopicName, Topics } from '../../shared/contracts/console/topics.ts';

/** Whether the service answers. `since`: milliseconds since the epoch. */
export type ClientLink =
  | { readonly state: 'connecting'; readonly since: number }
  | { readonly state: 'open'; readonly since: number }
  | { readonly state: 'lost'; readonly since: number; readonly retryAt: number };

export interface ConsoleClient {
  /** Rejects with a GatehouseError; aborting the signal cancels the call at the service (code `cancelled`). */
  call<N extends CallName>(
    name: N,
    args: CallArgs<N>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<CallResult<N>>;
  /** The present value as soon as it is known, then each newer one; survives a lost connection. Returns the unsubscribe. */
  subscribe<N extends TopicName>(topic: N, tell: (value: Topics[N]) => void): () => void;
  /** Tells at once, and at each change. Returns the unsubscribe. */
  onLink(tell: (link: ClientLink) => void): () => void;
  /** Tries again at once. */
  retryNow(): void;
  /** Begins a download of an address that `requests.export` gave. */
  download(url: string, fileName: string): void;
}
