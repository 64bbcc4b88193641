// `gatehouse device download`: one document version into a file. What has come lies beside it as `.part` until all of it is
// there and its SHA-256 is the version's: so a broken download goes on, and a file of that name is always whole.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { storageError } from '../../shared/storage/atomic-file.ts';
import { writeAll } from '../../shared/storage/write-all.ts';
import { askForDocument, saveDocument } from '../../shared/device/index.ts';
import type { Device, DocumentToDownload } from '../../shared/device/index.ts';
import type { ContentHash } from '../../shared/device/documents.ts';
import { inSession } from './device-client.ts';
import type { DownloadFlags } from './device-command.ts';
import { notePreparing, printNote, printResult } from './output.ts';
import { resolvePath } from './paths.ts';

export interface DeviceDownload {
  readonly name: string;
  readonly collection: string;
  /** Of the document in its collection. */
  readonly path: string;
  readonly flags: DownloadFlags;
}

/** Between two lines of progress, in milliseconds. */
const progressEveryMs = 500;

/** @throws GatehouseError `document_unknown`, `blob_not_authentic`, `relay_unreachable`, `storage_failed`, … */
export async function downloadAsDevice({ name, collection, path, flags }: DeviceDownload): Promise<void> {
  const target = resolvePath(flags.output ?? basename(path));
  const { version } = flags;
  await inSession(name, flags, async (session, _key, device) => {
    const wanted = { collection, name: path, ...(version === undefined ? {} : { version }) };
    const document = await askForDocument(session, wanted, { onPreparing: notePreparing });
    const part = join(dirname(target), `.${basename(target)}.${document.version.slice(0, 16)}.part`);
    const resumedFrom = await partLength(part, document.length);
    await fetchInto(part, device, document, resumedFrom, flags);
    await rename(part, target).catch((error: unknown) => {
      throw storageError('written', target, error);
    });
    const facts = { event: 'downloaded', file: target, version: document.version, size: document.length };
    const line = `${target}: ${String(document.length)} bytes, SHA-256 ${document.version}`;
    printResult({ ...facts, resumedFrom }, [line], flags);
  });
}

async function partLength(part: string, length: number): Promise<number> {
  const size = await stat(part).then(
    (stats) => stats.size,
    () => 0,
  );
  return size <= length ? size : 0;
}

async function fetchInto(
  part: string,
  device: Device,
  document: DocumentToDownload,
  from: number,
  flags: DownloadFlags,
): Promise<void> {
  const file = await open(part, from === 0 ? 'w' : 'r+', 0o600).catch((error: unknown) => {
    throw storageError('written', part, error);
  });
  let at = from;
  const write = async (bytes: Uint8Array): Promise<void> => {
    await writeAll(file, bytes, at);
    at += bytes.length;
  };
  try {
    await saveDocument(device, document, new WritableStream({ write }), {
      saved: from === 0 ? [] : (createReadStream(part) as AsyncIterable<Buffer>),
      onProgress: progress(flags),
      lent: true,
      hash: nodeHash(),
    });
    await file.sync();
  } catch (error) {
    if (error instanceof GatehouseError && error.code === 'blob_not_authentic')
      await rm(part, { force: true });
    throw error instanceof GatehouseError ? error : storageError('written', part, error);
  } finally {
    await file.close();
  }
}

function nodeHash(): ContentHash {
  const hash = createHash('sha256');
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('hex') };
}

function progress(flags: DownloadFlags): (at: number, length: number) => void {
  let last = 0;
  return (at, length) => {
    const now = performance.now();
    if (flags.json === true || now - last < progressEveryMs) return;
    last = now;
    const share = length === 0 ? 100 : Math.floor((at / length) * 100);
    printNote(`${String(share).padStart(3)} %  ${String(at)} of ${String(length)} bytes`);
  };
}
