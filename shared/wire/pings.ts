// The pings of one session: ours until they are answered, and answers that wait for a congested output.
import { GatehouseError } from '../contracts/errors.ts';
import { encodeHeader, frameFlag, frameType } from './frame.ts';
import type { FrameHeader } from './frame.ts';

export class Pings {
  readonly #send: (header: Uint8Array) => void;
  readonly #maxPending: number;
  readonly #unanswered = new Map<number, () => void>();
  #waiting: number[] = [];
  #next = 1;

  constructor(send: (header: Uint8Array) => void, maxPending: number) {
    this.#send = send;
    this.#maxPending = maxPending;
  }

  /** Sends a ping; `answered` is called when its answer arrives, or never. */
  ping(answered: () => void): void {
    const value = this.#next;
    this.#next = (this.#next + 1) >>> 0;
    this.#unanswered.set(value, answered);
    this.#send(encodeHeader(frameType.ping, frameFlag.syn, 0, value));
  }

  /**
   * A ping frame of the peer: its ping, or its answer to ours (an answer to nothing is ignored).
   * @throws GatehouseError `wire_flood` where it pings without reading the answers
   */
  accept(header: FrameHeader, writable: boolean): void {
    if ((header.flags & frameFlag.syn) !== 0) {
      this.#answer(header.length, writable);
      return;
    }
    const answered = this.#unanswered.get(header.length);
    this.#unanswered.delete(header.length);
    answered?.();
  }

  /** The output has room: sends the answers that waited. */
  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const value of waiting) this.#answer(value, true);
  }

  clear(): void {
    this.#unanswered.clear();
    this.#waiting = [];
  }

  #answer(value: number, writable: boolean): void {
    if (writable) {
      this.#send(encodeHeader(frameType.ping, frameFlag.ack, 0, value));
      return;
    }
    this.#waiting.push(value);
    if (this.#waiting.length > this.#maxPending) {
      throw new GatehouseError('wire_flood', 'The peer sends pings and does not read their answers.');
    }
  }
}
