// How a file is known again without reading it. Must never call a file unchanged that may have been written since.
import type { BigIntStats } from 'node:fs';
import * as v from 'valibot';

export const fileIdentitySchema = v.strictObject({
  device: v.string(),
  inode: v.string(),
  size: v.number(),
  /** Nanoseconds since the epoch, in decimal. */
  modified: v.string(),
  changed: v.string(),
});
export type FileIdentity = v.InferOutput<typeof fileIdentitySchema>;

/**
 * How long ago the last change must have been, in milliseconds: a file system's clock ticks in steps, and FAT's in
 * two seconds; a second write within one tick would look like none.
 */
const settledMs = 3_000;

export function identityOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): FileIdentity {
  return {
    device: String(dev),
    inode: String(ino),
    size: Number(size),
    modified: String(mtimeNs),
    changed: String(ctimeNs),
  };
}

export function sameIdentity(a: FileIdentity, b: FileIdentity): boolean {
  return (
    a.device === b.device &&
    a.inode === b.inode &&
    a.size === b.size &&
    a.modified === b.modified &&
    a.changed === b.changed
  );
}

/** Whether a later write would give the file another identity, for sure. */
export function isSettled({ modified, changed }: FileIdentity, now: number): boolean {
  const nanoseconds = BigInt(modified) > BigInt(changed) ? BigInt(modified) : BigInt(changed);
  return Number(nanoseconds / 1_000_000n) + settledMs < now;
}
