// The versions of a document as they are told: what is kept, and what the folder holds now.
import type { VersionView } from '../../../shared/contracts/console/documents.ts';
import type { VersionsAnswer } from '../../../shared/contracts/documents.ts';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { BlobRecord } from './blob-record.ts';
import type { CurrentVersion } from './snapshots.ts';

/** The current one first, also where nobody fetched it yet; then the newest. */
export function versionsAnswer(
  name: string,
  kept: readonly BlobRecord[],
  current: CurrentVersion | null,
): VersionsAnswer {
  const versions = kept.map(({ version, size, at }) => {
    return { version, size, current: version === current?.version, available: true, at };
  });
  versions.sort((a, b) => Number(b.current) - Number(a.current));
  if (current === null || versions[0]?.current === true) return { name: current?.name ?? name, versions };
  const { version, size } = current;
  const first = { version, size, current: true, available: true, at: null };
  return { name: current.name, versions: [first, ...versions] };
}

/** @param current null where it is not known, or gone */
export function versionViews(
  kept: readonly BlobRecord[],
  current: CurrentVersion | null,
  fetches: ReadonlyMap<string, number>,
): readonly VersionView[] {
  return kept.map(({ version, size, at }) => {
    const isCurrent = current === null ? null : current.version === version;
    return { version, size, at, current: isCurrent, fetches: fetches.get(version) ?? 0 };
  });
}

/** Null where the document is not in its folder any more, and there are versions of it. */
export async function unlessGone(
  current: Promise<CurrentVersion>,
  kept: readonly BlobRecord[],
): Promise<CurrentVersion | null> {
  try {
    return await current;
  } catch (error) {
    if (kept.length > 0 && error instanceof GatehouseError && error.code === 'document_unknown') return null;
    throw error;
  }
}
