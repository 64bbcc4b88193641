// The kept answers of the request journal on disk: AES-256-GCM under a key from secrets.json, appended to one of two files;
// when the newer one is full the older one is emptied and takes over. An answer that is damaged, or was moved to another
// request's place, is none.
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { storageError } from '../../../shared/storage/atomic-file.ts';
import { writeAll } from '../../../shared/storage/write-all.ts';
import { keyLength } from './journal-file.ts';

const nonceLength = 12;
const tagLength = 16;
/** Both keys of the request, and the length of what follows. */
const headLength = 2 * keyLength + 4;
const algorithm = 'aes-256-gcm';
const label = Buffer.from('gatehouse device answer kept v1');
/** How long answers are gathered for one write, in milliseconds: what a kill may take of them. */
const gatherMs = 20;

interface Place {
  readonly file: number;
  readonly at: number;
  readonly length: number;
}

export class AnswerFile {
  readonly #key: KeyObject;
  readonly #maxBytes: number;
  readonly #handles: readonly [FileHandle, FileHandle];
  readonly #places = new Map<string, Place>();
  /** Answers that are not written yet, by key. */
  readonly #unwritten = new Map<string, Uint8Array>();
  #current = 0;
  #length = 0;
  #writing: Promise<void> | null = null;

  private constructor(key: KeyObject, maxBytes: number, handles: readonly [FileHandle, FileHandle]) {
    this.#key = key;
    this.#maxBytes = maxBytes;
    this.#handles = handles;
  }

  /** @param maxBytes of one of the two files. @throws GatehouseError `storage_failed` */
  static async open(folder: string, key: Uint8Array, maxBytes: number): Promise<AnswerFile> {
    try {
      const [first, second] = await Promise.all([0, 1].map((n) => openFile(join(folder, `answers-${n}`))));
      if (first === undefined || second === undefined) throw new Error('no file');
      const answers = new AnswerFile(createSecretKey(key), maxBytes, [first, second]);
      await answers.#readAll();
      return answers;
    } catch (error) {
      throw storageError('opened', folder, error);
    }
  }

  /** `key` is 32 latin-1 characters: device and request. Kept in memory until it is written; never throws. */
  put(key: string, answer: Uint8Array): void {
    this.#unwritten.set(key, answer);
    this.#writing ??= this.#write().finally(() => (this.#writing = null));
  }

  has(key: string): boolean {
    return this.#unwritten.has(key) || this.#places.has(key);
  }

  /** Null where it was never kept, has had to go, or does not verify. */
  async get(key: string): Promise<Buffer | null> {
    const unwritten = this.#unwritten.get(key);
    if (unwritten !== undefined) return Buffer.from(unwritten);
    const place = this.#places.get(key);
    if (place === undefined) return null;
    const sealed = Buffer.alloc(place.length);
    try {
      const { bytesRead } = await this.#handle(place.file).read(sealed, 0, place.length, place.at);
      // Emptied in between: another answer's bytes do not verify here either.
      return bytesRead === place.length ? this.#unseal(key, sealed) : null;
    } catch {
      return null;
    }
  }

  async flush(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  async close(): Promise<void> {
    await this.flush();
    for (const handle of this.#handles) await handle.close();
  }

  #handle(file: number): FileHandle {
    return this.#handles[file === 0 ? 0 : 1];
  }

  async #write(): Promise<void> {
    while (this.#unwritten.size > 0) {
      await delay(gatherMs);
      const batch = [...this.#unwritten];
      try {
        await this.#writeBatch(batch);
      } catch {
        // A disk that is full keeps no answers: their retries are told RESULT_UNKNOWN.
      }
      for (const [key, answer] of batch) if (this.#unwritten.get(key) === answer) this.#unwritten.delete(key);
    }
  }

  async #writeBatch(batch: readonly (readonly [string, Uint8Array])[]): Promise<void> {
    if (this.#length >= this.#maxBytes) await this.#takeOver();
    const nonces = randomBytes(nonceLength * batch.length);
    const records = batch.map(([key, answer], index) =>
      this.#record(key, answer, nonces.subarray(index * nonceLength, (index + 1) * nonceLength)),
    );
    const bytes = Buffer.concat(records);
    await writeAll(this.#handle(this.#current), bytes, this.#length);
    batch.forEach(([key], index) => {
      const length = (records[index]?.length ?? 0) - headLength;
      this.#places.set(key, { file: this.#current, at: this.#length + headLength, length });
      this.#length += headLength + length;
    });
  }

  async #takeOver(): Promise<void> {
    const next = 1 - this.#current;
    for (const [key, place] of this.#places) if (place.file === next) this.#places.delete(key);
    await this.#handle(next).truncate(0);
    this.#current = next;
    this.#length = 0;
  }

  #record(key: string, answer: Uint8Array, nonce: Buffer): Buffer {
    const cipher = createCipheriv(algorithm, this.#key, nonce, { authTagLength: tagLength });
    cipher.setAAD(associated(key));
    const sealed = [nonce, cipher.update(answer), cipher.final(), cipher.getAuthTag()];
    const length = Buffer.alloc(4);
    length.writeUInt32BE(sealed.reduce((sum, part) => sum + part.length, 0));
    return Buffer.concat([Buffer.from(key, 'latin1'), length, ...sealed]);
  }

  #unseal(key: string, sealed: Buffer): Buffer | null {
    try {
      const nonce = sealed.subarray(0, nonceLength);
      const decipher = createDecipheriv(algorithm, this.#key, nonce, { authTagLength: tagLength });
      decipher.setAAD(associated(key));
      decipher.setAuthTag(sealed.subarray(-tagLength));
      return Buffer.concat([decipher.update(sealed.subarray(nonceLength, -tagLength)), decipher.final()]);
    } catch {
      return null;
    }
  }

  async #readAll(): Promise<void> {
    const lengths = [await this.#readPlaces(0), await this.#readPlaces(1)];
    const times = await Promise.all(this.#handles.map(async (handle) => (await handle.stat()).mtimeMs));
    const [first = 0, second = 0] = lengths;
    this.#current = second > 0 && (first === 0 || (times[1] ?? 0) > (times[0] ?? 0)) ? 1 : 0;
    this.#length = lengths[this.#current] ?? 0;
  }

  /** Returns the length of the whole records; a torn one at the end is written over. */
  async #readPlaces(file: number): Promise<number> {
    const handle = this.#handle(file);
    const { size } = await handle.stat();
    const head = Buffer.alloc(headLength);
    let at = 0;
    while (at + headLength <= size) {
      await handle.read(head, 0, headLength, at);
      const length = head.readUInt32BE(2 * keyLength);
      if (length <= nonceLength + tagLength || at + headLength + length > size) break;
      const key = head.toString('latin1', 0, 2 * keyLength);
      this.#places.set(key, { file, at: at + headLength, length });
      at += headLength + length;
    }
    return at;
  }
}

function associated(key: string): Buffer {
  return Buffer.concat([label, Buffer.from(key, 'latin1')]);
}

async function openFile(path: string): Promise<FileHandle> {
  const { O_RDWR, O_CREAT } = (await import('node:fs')).constants;
  return open(path, O_RDWR | O_CREAT, 0o600);
}
