// What the desktop's preload and its main process say to each other: one channel in, one channel out.
// The page never sees these; it has the ConsoleBridge.
import type { TopicName } from './topics.ts';

export const desktopChannels = {
  /** From the page: a DesktopMessage, invoked. */
  entry: 'gatehouse',
  /** To the page: an array of TopicMessage. The next is sent when this one was taken. */
  topics: 'gatehouse:topics',
} as const;

export type DesktopMessage =
  | { readonly kind: 'call'; readonly id: number; readonly name: string; readonly args: unknown }
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'subscribe'; readonly topics: readonly TopicName[] }
  /** The page has handled the topics sent last. */
  | { readonly kind: 'taken' };
