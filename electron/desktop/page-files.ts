// Answers requests of the `app://` scheme: the files of the renderer's build, and exports. It reads nothing outside the
// page's folder, whatever a path says, and every answer has the page's headers.
import { readFile, realpath } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { ReadableStream } from 'node:stream/web';
import type { OpenedExport } from '../core/api/console-exports.ts';
import { pageContentTypes, pageHeaders } from '../../shared/contracts/console/page-headers.ts';
import { consolePaths } from '../../shared/contracts/console/transport.ts';
import { asGatehouseError } from '../../shared/contracts/errors.ts';
import { origin } from './address.ts';

export interface PageSources {
  /** The folder of index.html. */
  readonly folder: string;
  /** Rejects where there is no such export, or it has been read. */
  readonly openExport: (id: string) => Promise<OpenedExport>;
}

/** What is answered for `request`; never rejects. */
export async function answerPage(request: Request, sources: PageSources): Promise<Response> {
  const path = pathOf(request.url);
  if (request.method !== 'GET' && request.method !== 'HEAD') return plain(405, 'Only GET is answered here.');
  if (path === null) return notFound();
  if (path.startsWith(consolePaths.exports))
    return answerExport(path.slice(consolePaths.exports.length), sources);
  return answerFile(path, sources.folder);
}

/** The decoded path of a URL of our origin; null for any other URL, and for one that tries to leave the folder. */
export function pathOf(url: string): string | null {
  if (url !== origin && !url.startsWith(`${origin}/`)) return null;
  const encoded = url.slice(origin.length).split(/[?#]/, 1)[0] ?? '';
  const path = decoded(encoded === '' ? '/' : encoded);
  if (path === null || /[\\\0]/.test(path) || path.includes('//')) return null;
  return path.split('/').some((part) => part === '..' || part === '.') ? null : path;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

async function answerFile(path: string, folder: string): Promise<Response> {
  const name = path.endsWith('/') ? `${path}index.html` : path;
  const type = pageContentTypes[extname(name)];
  if (type === undefined) return notFound();
  try {
    const root = await realpath(folder);
    const file = await realpath(join(root, name));
    if (!file.startsWith(`${root}${sep}`)) return notFound();
    return new Response(new Uint8Array(await readFile(file)), {
      headers: { ...pageHeaders, 'content-type': type },
    });
  } catch {
    return notFound();
  }
}

async function answerExport(id: string, { openExport }: PageSources): Promise<Response> {
  try {
    const { contentType, fileName, chunks } = await openExport(id);
    const headers = {
      ...pageHeaders,
      'content-type': contentType,
      'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(fileName)}`,
      'cache-control': 'no-store',
    };
    return new Response(ReadableStream.from(chunks), { headers });
  } catch (error) {
    return plain(404, asGatehouseError(error).message);
  }
}

function notFound(): Response {
  return plain(404, 'There is nothing here.');
}

function plain(status: number, text: string): Response {
  return new Response(text, {
    status,
    headers: { ...pageHeaders, 'content-type': 'text/plain; charset=utf-8' },
  });
}
