// Documents over a TLS session: whole downloads that survive a broken connection, and uploads. The session is the
// encryption; the version's hash says in the end that all of it came. Must never end a download as if it were whole that
// is not.
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { PutAnswer, VersionsAnswer } from '../contracts/documents.ts';
import { GatehouseError } from '../contracts/errors.ts';
import type { ErrorCode } from '../contracts/errors.ts';
import { oncePrepared } from '../device/preparing.ts';
import type { Preparing } from '../device/preparing.ts';
import type { BodySource } from './pour.ts';
import type { Service } from './service.ts';

export interface DocumentPlace {
  readonly collection: string;
  /** Within the collection, with `/` between folders. */
  readonly name: string;
}

export interface DocumentDownload extends DocumentPlace {
  /** Default: the current one. */
  readonly version?: string;
  readonly signal?: AbortSignal;
  /** Told while the service still reads the document, as often as it is asked. */
  readonly onPreparing?: (progress: Preparing) => void;
}

export interface DownloadedVersion {
  readonly version: string;
  readonly size: number;
  /** Ends where all of it has come and has the version's hash. */
  readonly content: AsyncGenerator<Buffer>;
}

/** How long a download goes on trying without a byte, and the pauses between its attempts, in milliseconds. */
const patienceMs = 60_000;
const pauseMs = { first: 250, most: 5_000 };

const broken: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'truncated',
  'session_ended',
  'relay_unreachable',
  'service_offline',
  'timeout',
  'wire_closed',
  'stream_reset',
  'shutting_down',
]);

/**
 * Begins a download; its content comes no faster than it is read.
 * @throws GatehouseError as `service.call`; out of the content `blob_not_authentic` where it is another version
 */
export async function downloadDocument(
  service: Service,
  wanted: DocumentDownload,
): Promise<DownloadedVersion> {
  const { collection, name, signal } = wanted;
  const ask = () => service.call('documents.versions', { collection, name }, { signal });
  const answer = (await oncePrepared(ask, wanted)) as VersionsAnswer;
  const found = answer.versions.find((each) => {
    return wanted.version === undefined ? each.current : each.version === wanted.version;
  });
  if (found === undefined) {
    throw new GatehouseError(
      'document_version_unknown',
      'The document has no such version, or it is not kept any more.',
    );
  }
  const { version, size } = found;
  return { version, size, content: contentOf(service, { ...wanted, version }, size) };
}

/**
 * Puts a new version in place of `expected` (null: there is none yet).
 * @throws GatehouseError `document_conflict` where another version is there; `collection_read_only`; as `service.stream`
 */
export async function uploadDocument(
  service: Service,
  { collection, name }: DocumentPlace,
  expected: string | null,
  body: BodySource,
): Promise<{ readonly version: string; readonly size: number }> {
  const args = { collection, name, expected };
  const result = await service.stream('documents.put', { body, args });
  const parts: Buffer[] = [];
  for await (const part of result.body) parts.push(part as Buffer);
  const answer = JSON.parse(Buffer.concat(parts).toString('utf8')) as PutAnswer;
  if (answer.done) return { version: answer.version, size: answer.size };
  throw new GatehouseError('rpc_failed', 'The service wants more of the document than there is.');
}

async function* contentOf(
  service: Service,
  { collection, name, version, signal, onPreparing }: DocumentDownload & { readonly version: string },
  size: number,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let at = 0;
  let since = performance.now();
  let pause = pauseMs.first;
  while (at < size) {
    try {
      const args = { collection, name, version, inline: true, from: at };
      const ask = () => service.stream('documents.get', { body: Buffer.alloc(0), args, signal });
      const told = (progress: Preparing): void => {
        since = performance.now();
        onPreparing?.(progress);
      };
      const { body } = await oncePrepared(ask, { signal, onPreparing: told });
      for await (const chunk of body as AsyncIterable<Buffer>) {
        hash.update(chunk);
        at += chunk.length;
        yield chunk;
        since = performance.now();
        pause = pauseMs.first;
      }
      // An answer without a byte would be one that never ends.
      if (at < size) throw new GatehouseError('truncated', 'The document ended before its end.');
    } catch (error) {
      const isPassing = error instanceof GatehouseError && broken.has(error.code);
      if (!isPassing || performance.now() - since > patienceMs) throw error;
      await delay(pause, undefined, { ref: false, ...(signal && { signal }) }).catch(() => undefined);
      pause = Math.min(pause * 2, pauseMs.most);
    }
  }
  if (at === size && hash.digest('hex') === version) return;
  throw new GatehouseError('blob_not_authentic', 'What has come is not the version that was asked for.');
}
