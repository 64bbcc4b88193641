// What the console shows of document collections, as it crosses from the service to the renderer: plain data, no key
// and no content. Times are milliseconds since the epoch, sizes bytes; a version is the SHA-256 of its content.
import type { SerialisedError } from '../errors.ts';

export interface CollectionView {
  readonly name: string;
  /** On the service's machine, absolute. */
  readonly folder: string;
  readonly allowUpload: boolean;
  readonly publishedAt: number;
  /** Why it cannot be read now; null where it can. */
  readonly problem: SerialisedError | null;
}

/** Topic `documents`. */
export interface DocumentsView {
  readonly collections: readonly CollectionView[];
  /** Ascends with every fetch and upload, so that a page knows when to ask again. */
  readonly revision: number;
}

export interface DocumentView {
  /** Within its collection, with `/` between folders. */
  readonly name: string;
  readonly size: number;
  readonly modifiedAt: number;
}

export interface DocumentPage {
  readonly documents: readonly DocumentView[];
  /** For those after the last one; null at the end. */
  readonly next: string | null;
}

export interface VersionView {
  /** 64 lower-case hex digits of the SHA-256 of the content. */
  readonly version: string;
  readonly size: number;
  /** When the service served or took it first. */
  readonly at: number;
  /** Whether it is what the folder holds now; null where nobody has looked since the file changed. */
  readonly current: boolean | null;
  readonly fetches: number;
}

/** Who fetched, or uploaded, what. */
export interface DocumentFetch {
  readonly id: number;
  readonly at: number;
  readonly kind: 'fetched' | 'uploaded';
  readonly collection: string;
  readonly document: string;
  readonly version: string;
  readonly size: number;
  /** The remote user of an access token, or the subject of a device; null where nobody was verified. */
  readonly user: string | null;
  readonly via: 'tls' | 'device';
  /** Of a device. */
  readonly deviceId: string | null;
  readonly deviceName: string | null;
}

export interface DocumentFetches {
  readonly fetches: readonly DocumentFetch[];
  /** For older ones; null at the end. */
  readonly next: string | null;
}
