// Which requests of device sessions have been accepted, by device and request id, across sessions and restarts: an id is
// on disk before its request runs, so that a retry can make nothing run twice, whatever happened in between. Answers of
// idempotent requests are kept beside it, encrypted, to be given again. Bounded: the oldest ids and answers go first, and
// it can say how far back it is whole. It must never take an id twice, nor keep an answer in clear text.
import { hash, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { ensurePrivateFolder } from '../../../shared/storage/atomic-file.ts';
import { AnswerFile } from './answer-file.ts';
import { IdQueue } from './id-queue.ts';
import { JournalFile, keyLength } from './journal-file.ts';

export interface JournalLimits {
  /** Ids that are remembered: of one device, and in all. */
  readonly perDevice: number;
  readonly inAll: number;
  /** How long an id is remembered, in milliseconds. */
  readonly maxAgeMs: number;
  /** The longest answer that is kept, in bytes, and all of them together (the double while one file takes over). */
  readonly maxAnswerBytes: number;
  readonly answerBytes: number;
}

export const defaultJournalLimits: JournalLimits = {
  perDevice: 50_000,
  inAll: 400_000,
  maxAgeMs: 7 * 24 * 60 * 60_000,
  maxAnswerBytes: 256 * 1024,
  answerBytes: 32 * 1024 * 1024,
};

export interface JournalOptions {
  readonly dataFolder: string;
  /** Its own folder in there. */
  readonly folder?: string;
  /** 32 bytes, from secrets.json. */
  readonly key: Uint8Array;
  readonly limits?: Partial<JournalLimits>;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** What is known of an id that came before: its answer, or that it cannot be told what came of it. */
export type Earlier = { readonly answer: Buffer } | 'unknown';

export class RequestJournal {
  readonly #limits: JournalLimits;
  readonly #now: () => number;
  readonly #file: JournalFile;
  readonly #answers: AnswerFile;
  /** Of this process: what an earlier one wrote last, a power failure may have taken. */
  readonly #run = randomUUID();
  /** By device. */
  readonly #devices = new Map<string, IdQueue>();
  #size = 0;
  #shortening = false;

  private constructor(options: JournalOptions, file: JournalFile, answers: AnswerFile) {
    this.#limits = { ...defaultJournalLimits, ...options.limits };
    this.#now = options.now ?? Date.now;
    this.#file = file;
    this.#answers = answers;
  }

  /** Reads what an earlier process has left. @throws GatehouseError `storage_failed` */
  static async open(options: JournalOptions): Promise<RequestJournal> {
    const folder = join(options.dataFolder, options.folder ?? 'device-journal');
    await ensurePrivateFolder(folder);
    const { answerBytes } = { ...defaultJournalLimits, ...options.limits };
    const answers = await AnswerFile.open(folder, options.key, answerBytes);
    const file = await JournalFile.open(folder);
    const journal = new RequestJournal(options, file, answers);
    for (const { device, id, at } of file.takeRead()) journal.#remember(device, id, at);
    return journal;
  }

  /** Ids that are remembered. */
  get size(): number {
    return this.#size;
  }

  /**
   * Takes the id: resolves with null once that is on disk, so that a kill leaves it taken; with what came of it where it
   * was taken before. Of two at the same time one gets null.
   * @throws GatehouseError `log_unavailable` where it cannot be written: the request must not run
   */
  async begin(deviceId: string, requestId: string): Promise<Earlier | null> {
    const [device, id] = [keyOf(deviceId), keyOf(requestId)];
    if (this.#devices.get(device)?.has(id) === true) return this.#earlier(device, id);
    const at = this.#now();
    this.#remember(device, id, at);
    try {
      await this.#file.append({ device, id, at });
    } catch (cause) {
      // It stays taken in memory: whether the bytes are on the disk is not known.
      const message =
        'The journal of device requests cannot be written, so the request was not carried out. Look at the disk of the service.';
      throw new GatehouseError('log_unavailable', message, { cause });
    }
    this.#shorten();
    return null;
  }

  /** Marks the start of a session. To be called before its first request can come. */
  opened(deviceId: string, sessionId: string): void {
    this.#remember(keyOf(deviceId), this.#mark(sessionId), this.#now());
  }

  /** Whether every id of the device since this session's start is remembered: the oldest go first, so its mark tells. */
  reachesBackTo(deviceId: string, sessionId: string): boolean {
    return this.#devices.get(keyOf(deviceId))?.has(this.#mark(sessionId)) === true;
  }

  /** Keeps the answer of a request that has run, to be given again; drops it where it is too long. */
  finish(deviceId: string, requestId: string, answer: Uint8Array): void {
    if (answer.length > this.#limits.maxAnswerBytes) return;
    const key = `${keyOf(deviceId)}${keyOf(requestId)}`;
    if (!this.#answers.has(key)) this.#answers.put(key, answer);
  }

  /** Resolves when all that was given before is written. */
  async flush(): Promise<void> {
    await this.#answers.flush();
  }

  async close(): Promise<void> {
    await this.#answers.close();
    await this.#file.close();
  }

  /** Where it cannot be done the file goes on growing, and nothing is forgotten. */
  #shorten(): void {
    if (this.#shortening || this.#file.records <= 2 * this.#limits.inAll) return;
    this.#shortening = true;
    const done = (): void => {
      this.#shortening = false;
    };
    void this.#file.rewrite(() => this.#records()).then(done, done);
  }

  async #earlier(device: string, id: string): Promise<Earlier> {
    const answer = await this.#answers.get(`${device}${id}`);
    return answer === null ? 'unknown' : { answer };
  }

  #mark(sessionId: string): string {
    return keyOf(`session ${this.#run} ${sessionId}`);
  }

  #remember(device: string, id: string, at: number): void {
    const ids = this.#devices.get(device) ?? new IdQueue();
    if (!ids.has(id)) this.#size += 1;
    ids.add(id, at);
    // Devices in the order of their latest request, so that the one that was silent longest is looked at first.
    this.#devices.delete(device);
    this.#devices.set(device, ids);
    if (ids.size > this.#limits.perDevice) this.#dropOldest(device, ids);
    while (this.#size > this.#limits.inAll || this.#firstIsOld()) {
      const [first] = this.#devices;
      if (first === undefined) return;
      this.#dropOldest(...first);
    }
  }

  #firstIsOld(): boolean {
    const [first] = this.#devices;
    const oldest = first?.[1].oldest;
    return oldest !== undefined && this.#now() - oldest > this.#limits.maxAgeMs;
  }

  #dropOldest(device: string, ids: IdQueue): void {
    if (ids.size > 0) this.#size -= 1;
    ids.dropOldest();
    if (ids.size === 0) this.#devices.delete(device);
  }

  *#records(): Generator<{ device: string; id: string; at: number }> {
    for (const [device, ids] of this.#devices) for (const [id, at] of ids) yield { device, id, at };
  }
}

/** 16 bytes as 16 latin-1 characters, half the memory of any other text. */
function keyOf(text: string): string {
  return hash('sha256', text, 'buffer').toString('latin1', 0, keyLength);
}
