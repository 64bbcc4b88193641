// Answers `GET /s/{service-id}/blobs/{blob-id}`: ciphertext from the cache or the service, whole or one range. It never
// has the key, so what it or its disk does to the bytes can break a download and never alter one.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatehouseError } from '../../contracts/errors.ts';
import type { BlobAnswers, BlobUser } from '../device-api/device-api.ts';
import type { BlobRoute } from '../device-api/routes.ts';
import type { RelayLimits } from '../limits.ts';
import type { OnlineServices } from '../online-services.ts';
import { openServiceStream } from '../stream-router.ts';
import { BlobSource } from './blob-source.ts';
import type { BlobReader } from './blob-source.ts';
import { parseRange, resolveRange } from './byte-range.ts';
import type { ByteRange } from './byte-range.ts';
import { segmentLength } from './segment-file.ts';
import type { SegmentStore } from './segment-store.ts';

export interface BlobApiParts {
  readonly store: SegmentStore;
  readonly online: OnlineServices;
  readonly limits: Pick<RelayLimits, 'headerTimeoutMs' | 'maxStreamsPerService'>;
}

/** What one reader may hold in memory: a segment that leaves, one that waits, and one that arrives. */
const bytesPerReader = 3 * segmentLength;
/** Blobs whose length is remembered. */
const maxLengths = 4096;

interface OpenSource {
  readonly source: BlobSource;
  readers: number;
}

export class BlobApi implements BlobAnswers {
  readonly #parts: BlobApiParts;
  readonly #open = new Map<string, OpenSource>();
  readonly #lengths = new Map<string, number>();

  constructor(parts: BlobApiParts) {
    this.#parts = parts;
  }

  /** @throws GatehouseError while a refusal can still be answered; later it ends the connection */
  async answer(
    request: IncomingMessage,
    response: ServerResponse,
    route: BlobRoute,
    { subject, visit }: BlobUser,
  ): Promise<void> {
    if (!visit.meter.hold(bytesPerReader)) {
      throw new GatehouseError(
        'limit_exceeded',
        'The user reads too many encrypted documents at once. Try again soon.',
      );
    }
    const reader: BlobReader = { clientId: subject, run: null, closed: false };
    const key = `${route.serviceId}/${route.blob}`;
    const open = this.#source(key, route);
    open.readers += 1;
    const leave = (): void => {
      reader.closed = true;
      reader.run?.leave(reader);
    };
    response.once('close', leave);
    try {
      await serve({ request, response, source: open.source, reader, etag: `"${route.blob}"` });
    } finally {
      leave();
      visit.meter.release(bytesPerReader);
      open.readers -= 1;
      if (open.readers === 0 && this.#open.get(key) === open) this.#open.delete(key);
    }
  }

  #source(key: string, { serviceId, blob }: BlobRoute): OpenSource {
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const { store, online, limits } = this.#parts;
    const source = new BlobSource({
      serviceId,
      blob,
      store,
      length: this.#lengths.get(key) ?? null,
      timeoutMs: limits.headerTimeoutMs,
      openStream: () => openServiceStream(online, serviceId, limits.maxStreamsPerService),
      onLength: (length) => {
        this.#remember(key, length);
      },
    });
    const open = { source, readers: 0 };
    this.#open.set(key, open);
    return open;
  }

  #remember(key: string, length: number): void {
    this.#lengths.delete(key);
    this.#lengths.set(key, length);
    const [oldest] = this.#lengths.keys();
    if (this.#lengths.size > maxLengths && oldest !== undefined) this.#lengths.delete(oldest);
  }
}

interface Serving {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly source: BlobSource;
  readonly reader: BlobReader;
  readonly etag: string;
}

async function serve({ request, response, source, reader, etag }: Serving): Promise<void> {
  // A range is of the blob that the client began with; an id never means another one (RFC 9110, section 13.1.5).
  const ifRange = request.headers['if-range'];
  const asked = parseRange(ifRange === undefined || ifRange === etag ? request.headers.range : undefined);
  const length = await source.length(reader);
  const range = rangeOrRefusal(response, asked, length);
  const first = range.from < range.to ? await source.segment(indexOf(range.from), range.to, reader) : null;
  response.writeHead(asked.kind === 'whole' ? 200 : 206, {
    'content-type': 'application/octet-stream',
    'content-length': range.to - range.from,
    'accept-ranges': 'bytes',
    etag,
    ...(asked.kind === 'whole' ? {} : { 'content-range': `bytes ${range.from}-${range.to - 1}/${length}` }),
  });
  try {
    if (first !== null) await pour({ response, source, reader }, range, first);
    if (!reader.closed) response.end();
  } catch {
    response.destroy();
  }
}

function rangeOrRefusal(
  response: ServerResponse,
  asked: ReturnType<typeof parseRange>,
  length: number,
): ByteRange {
  try {
    return resolveRange(asked, length);
  } catch (error) {
    response.setHeader('content-range', `bytes */${length}`);
    throw error;
  }
}

/** Writes the range segment by segment, and asks for each while the one before it leaves. */
async function pour(
  { response, source, reader }: Pick<Serving, 'response' | 'source' | 'reader'>,
  { from, to }: ByteRange,
  first: Buffer,
): Promise<void> {
  let bytes = first;
  for (let at = from; ;) {
    const index = indexOf(at);
    const start = index * segmentLength;
    const end = Math.min(start + segmentLength, to);
    if (start + bytes.length < end)
      throw new GatehouseError('truncated', 'A segment is shorter than it should be.');
    const next = end < to ? source.segment(index + 1, to, reader) : null;
    next?.catch(() => undefined);
    await write(response, bytes.subarray(at - start, end - start));
    if (next === null || reader.closed) return;
    bytes = await next;
    at = end;
  }
}

/** Resolves once there is room for more, or the connection is over. */
function write(response: ServerResponse, bytes: Buffer): Promise<void> {
  if (response.write(bytes)) return Promise.resolve();
  return new Promise((resolve) => {
    const go = (): void => {
      response.off('drain', go);
      response.off('close', go);
      resolve();
    };
    response.on('drain', go);
    response.on('close', go);
    if (response.destroyed) go();
  });
}

function indexOf(at: number): number {
  return Math.floor(at / segmentLength);
}
