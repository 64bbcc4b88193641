// One HTTP connection with a service, alike for HTTP/2 and HTTP/1.1: what calls are made on.
// An implementation must never report an answer as ended that the other side has not ended.
import type { Writable } from 'node:stream';
import type { GatehouseError } from '../contracts/errors.ts';

export interface AnswerHead {
  readonly status: number;
  /** Lower case, without parameters; empty where there is none. */
  readonly contentType: string;
}

/** What an exchange tells its owner: `head`, then `data` any number of times, then `ended`; or `failed` at any time. */
export interface ExchangeEvents {
  head(head: AnswerHead): void;
  data(chunk: Buffer): void;
  /** The answer is whole. Called once, and `failed` never after it. */
  ended(): void;
  /** Called once, and nothing after it. */
  failed(error: GatehouseError): void;
}

/** One request under way. */
export interface RunningExchange {
  /** Takes the request's body; ended by the owner. */
  readonly sink: Writable;
  pause(): void;
  resume(): void;
  /** Breaks the exchange off; no event follows. */
  abort(): void;
}

export interface RequestHead {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes of the body where they are known; null for a stream. 0: no body, and `sink` must not be written to. */
  readonly length: number | null;
}

export interface Connection {
  /** False once no request can be started any more. */
  readonly usable: boolean;
  /** @throws GatehouseError `session_ended` where the connection is not usable */
  start(head: RequestHead, events: ExchangeEvents): RunningExchange;
  /** Ends it with all that runs on it. */
  close(): void;
}

/** The media type of a content-type header. */
export function mediaType(header: string | undefined): string {
  const value = header ?? '';
  const end = value.indexOf(';');
  return (end === -1 ? value : value.slice(0, end)).trim().toLowerCase();
}
