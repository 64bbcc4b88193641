// A service's documents in temporary folders, for tests: nothing that ships may import it.
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DocumentAnswer } from '../../../shared/contracts/documents.ts';
import type { GatehouseError } from '../../../shared/contracts/errors.ts';
import { decryptBlob } from '../../../shared/device/blobs.ts';
import { Documents } from './documents.ts';
import type { DocumentsOptions } from './documents.ts';
import type { Recipient } from './fetch-log.ts';

export const anna: Recipient = { user: 'anna', via: 'tls', deviceId: null, deviceName: null };

type SampleOptions = Pick<DocumentsOptions, 'maxStoreBytes' | 'answerWithinMs'>;

export class SampleDocuments {
  readonly base: string;
  readonly dataFolder: string;
  readonly folder: string;
  readonly problems: GatehouseError[] = [];
  documents!: Documents;

  private constructor(base: string) {
    this.base = base;
    this.dataFolder = join(base, 'data');
    this.folder = join(base, 'published');
  }

  /** With the collection `files`. */
  static async open(
    options: SampleOptions & { readonly allowUpload?: boolean } = {},
  ): Promise<SampleDocuments> {
    const sample = new SampleDocuments(await realpath(await mkdtemp(join(tmpdir(), 'gatehouse-documents-'))));
    await mkdir(sample.folder);
    const { allowUpload = false, ...rest } = options;
    await sample.start(rest);
    const { folder } = sample;
    await sample.documents.publish({ name: 'files', folder, allowUpload });
    return sample;
  }

  async start(options: SampleOptions = {}): Promise<void> {
    this.documents = await Documents.open({
      dataFolder: this.dataFolder,
      onProblem: (problem) => this.problems.push(problem),
      ...options,
    });
  }

  async put(name: string, content: string | Buffer): Promise<void> {
    await mkdir(join(this.folder, name, '..'), { recursive: true });
    await writeFile(join(this.folder, name), content);
  }

  /** A document of random content. */
  async putRandom(name: string, length: number): Promise<Buffer> {
    const content = randomBytes(length);
    await this.put(name, content);
    return content;
  }

  get(name: string, version?: string): Promise<DocumentAnswer> {
    return this.documents.get({ collection: 'files', name, version }, anna);
  }

  async ciphertext({ blob }: DocumentAnswer): Promise<Buffer> {
    const { file } = await this.documents.readBlob(blob);
    try {
      return await file.readFile();
    } finally {
      await file.close();
    }
  }

  async close(): Promise<void> {
    await this.documents.close();
    await rm(this.base, { recursive: true, force: true });
  }
}

/** The plaintext of `ciphertext` under an answer. */
export async function decrypt(answer: DocumentAnswer, ciphertext: Uint8Array): Promise<Buffer> {
  const facts = { version: answer.version, length: answer.size };
  const parts: Uint8Array[] = [];
  for await (const part of decryptBlob(Buffer.from(answer.key, 'base64url'), facts, [ciphertext]))
    parts.push(part);
  return Buffer.concat(parts);
}
