// `gatehouse device download`: one document version into a file. What has come lies beside it as `.part` until all of it is
// there and its SHA-256 is the version's: so a broken download goes on, and a file of that name is always whole.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { storageError } from '../../shared/storage/atomic-file.ts';
import { documentToDownload } from '../../shared/device/document-answer.ts';
import type { DocumentToDownload } from '../../shared/device/document-answer.ts';
import type { Device } from '../../shared/device/index.ts';
import { inSession } from './device-client.ts';
import type { DownloadFlags } from './device-command.ts';
import { printNote, printResult } from './output.ts';
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
    const args = { collection, name: path, ...(version === undefined ? {} : { version }) };
    const document = documentToDownload(await session.request('documents.get', args, { idempotent: true }));
    const part = join(dirname(target), `.${basename(target)}.${document.version.slice(0, 16)}.part`);
    const resumedFrom = await partLength(part, document.length);
    await fetchInto(part, device, document, resumedFrom, flags);
    await finish(part, target, document);
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
  const tell = progress(document.length, flags);
  let at = from;
  try {
    for await (const bytes of device.download(document, { offset: from })) {
      await file.write(bytes, 0, bytes.length, at);
      at += bytes.length;
      tell(at);
    }
    await file.sync();
  } catch (error) {
    throw error instanceof GatehouseError ? error : storageError('written', part, error);
  } finally {
    await file.close();
  }
}

/** Disks lie too: the file becomes the document only where its content has the version's hash. */
async function finish(part: string, target: string, { version }: DocumentToDownload): Promise<void> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(part) as AsyncIterable<Buffer>) hash.update(chunk);
  if (hash.digest('hex') !== version) {
    await rm(part, { force: true });
    throw new GatehouseError(
      'blob_not_authentic',
      'What was kept of the document is damaged. Download it again.',
    );
  }
  await rename(part, target).catch((error: unknown) => {
    throw storageError('written', target, error);
  });
}

function progress(length: number, flags: DownloadFlags): (at: number) => void {
  let last = 0;
  return (at) => {
    const now = performance.now();
    if (flags.json === true || now - last < progressEveryMs) return;
    last = now;
    const share = length === 0 ? 100 : Math.floor((at / length) * 100);
    printNote(`${String(share).padStart(3)} %  ${String(at)} of ${String(length)} bytes`);
  };
}
