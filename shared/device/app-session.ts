// The app's side of one session between its start and its end: chooses counters, seals requests, opens answers. It must
// never use a counter twice, nor take an answer from another request, direction or session. Starting the next session is
// session.ts's job.
import { GatehouseError } from '../contracts/errors.ts';
import type { Bytes } from './bytes.ts';
import type { ByteSource } from './chunks.ts';
import type { Clock } from './clock.ts';
import type { SessionKeys } from './handshake.ts';
import type { DeviceSessionLimits } from './limits.ts';
import { direction, openMessage, sealMessage, type MessagePlace } from './messages.ts';
import { decodeAnswer, encodeRequest, type AnswerPayload, type RequestPayload } from './payload.ts';
import { SessionLife } from './session-life.ts';
import { openStreamedAnswer, type StreamedAnswer } from './streamed-answer.ts';

/** The app stops before the agent does: what is on its way should still be taken. At most, in milliseconds. */
const maxMarginMs = 30_000;
const marginShare = 0.1;
/** The agent may drop a session that has had no request for a minute; the app is sure of it for half of that. */
const unusedMs = 30_000;

export interface AppSessionOptions {
  readonly sessionId: string;
  readonly keys: SessionKeys;
  readonly limits: DeviceSessionLimits;
  readonly clock: Clock;
  readonly onEnd?: () => void;
}

export class AppSession {
  readonly sessionId: string;
  readonly limits: DeviceSessionLimits;
  readonly #life: SessionLife;
  #counter = 0;
  /** An authentic answer has come, so the agent has had an authentic request. */
  #answered = false;

  constructor({ sessionId, keys, limits, clock, onEnd = () => {} }: AppSessionOptions) {
    this.sessionId = sessionId;
    this.limits = limits;
    const grantedMs = limits.lifetimeSeconds * 1000;
    const lifetimeMs = grantedMs - Math.min(maxMarginMs, grantedMs * marginShare);
    this.#life = new SessionLife(keys, { lifetimeMs, clock, onEnd });
  }

  get ageMs(): number {
    return this.#life.ageMs;
  }

  /** Requests begun so far. */
  get requests(): number {
    return this.#counter;
  }

  /** False when the next request needs another session. */
  get usable(): boolean {
    const sure = this.#answered || this.ageMs < unusedMs;
    return sure && this.#life.state === 'live' && this.#counter < this.limits.requests;
  }

  /** True when the keys are gone. */
  get ended(): boolean {
    return this.#life.state === 'ended';
  }

  /** The next counter, or null where the session has none left. Each one taken has to be settled. */
  take(): number | null {
    if (!this.usable) return null;
    this.#counter += 1;
    this.#life.owe();
    if (this.#counter >= this.limits.requests) this.#life.expire();
    return this.#counter;
  }

  /** The answer has come, or will not. */
  settle(): void {
    this.#life.settle();
  }

  async seal(counter: number, request: RequestPayload): Promise<Bytes> {
    const place = this.#place(counter, direction.toAgent);
    return sealMessage(this.#life.keys().toAgent, place, encodeRequest(request));
  }

  /** @throws GatehouseError `ANSWER_NOT_AUTHENTIC`, `SESSION_EXPIRED`, or the agent's error */
  async open(counter: number, message: Bytes): Promise<AnswerPayload> {
    const place = this.#place(counter, direction.toApp);
    const plaintext = await openMessage(this.#life.keys().toApp, place, message);
    if (plaintext === null) throw notAuthentic();
    this.#answered = true;
    return decodeAnswer(plaintext);
  }

  /** `source` begins behind the message's head. Throws as `open`, and so does the body. */
  async openStreamed(counter: number, source: ByteSource): Promise<StreamedAnswer> {
    const place = this.#place(counter, direction.toApp);
    const answer = await openStreamedAnswer(this.#life.keys().streams, place, this.#whileAlive(source));
    this.#answered = true;
    return answer;
  }

  /** No more requests; answers that are owed may still come. */
  expire(): void {
    this.#life.expire();
  }

  end(): void {
    this.#life.end();
  }

  /** The grace ends streamed answers too. */
  async *#whileAlive(source: ByteSource): AsyncGenerator<Uint8Array> {
    for await (const bytes of source) {
      this.#life.keys();
      yield bytes;
    }
  }

  #place(counter: number, way: MessagePlace['direction']): MessagePlace {
    return { sessionId: this.sessionId, direction: way, counter };
  }
}

export function notAuthentic(): GatehouseError {
  const message = 'The answer cannot be decrypted in this session. Something may have changed it on its way.';
  return new GatehouseError('ANSWER_NOT_AUTHENTIC', message);
}
