// The files of the page, read once when the console starts: a request can name one of them and nothing else, so no
// path of a request ever reaches the file system.
import { readdir, readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { cacheControl } from './page-headers.ts';

export interface PageFile {
  readonly bytes: Buffer;
  /** The same, compressed; null where that saves nothing. */
  readonly gzipped: Buffer | null;
  readonly contentType: string;
  readonly cacheControl: string;
}

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
};

/** Text that is worth compressing. */
const compressible = new Set(['.html', '.js', '.css', '.svg', '.json', '.webmanifest']);
/** Files whose name is a digest of their content, as the bundler writes them. */
const hashedName = /^\/assets\/.+-[\w-]{8,}\.\w+$/;

const compress = promisify(gzip);

/** By the path in a URL; `/` is the page itself. Empty where nothing was built. */
export async function readPageFiles(folder: string): Promise<ReadonlyMap<string, PageFile>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = new Map<string, PageFile>();
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const contentType = contentTypes[extname(path)];
    // Source maps and whatever else lies there are not for the page.
    if (contentType === undefined) continue;
    const url = `/${relative(folder, path).split(sep).join('/')}`;
    files.set(url, await readPageFile(path, url, contentType));
  }
  const page = files.get('/index.html');
  if (page !== undefined) files.set('/', page);
  return files;
}

async function readPageFile(path: string, url: string, contentType: string): Promise<PageFile> {
  const bytes = await readFile(path);
  const gzipped = compressible.has(extname(path)) ? await compress(bytes) : null;
  const smaller = gzipped !== null && gzipped.length < bytes.length ? gzipped : null;
  const kept = hashedName.test(url) ? cacheControl.forEver : cacheControl.never;
  return { bytes, gzipped: smaller, contentType, cacheControl: kept };
}

/** Compressed where the browser takes that. */
export function answerFile(request: IncomingMessage, response: ServerResponse, file: PageFile): void {
  const takesGzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  const zipped = takesGzip ? file.gzipped : null;
  const body = zipped ?? file.bytes;
  response.writeHead(200, {
    'content-type': file.contentType,
    'content-length': body.length,
    'cache-control': file.cacheControl,
    vary: 'accept-encoding',
    ...(zipped === null ? {} : { 'content-encoding': 'gzip' }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
