// The fingerprint of the agent's key, beside the devices, so that the command line can show it without the password that
// opens the key. It is public, and nothing is decided by it.
import { join } from 'node:path';
import {
  ensurePrivateFolder,
  readFileIfThere,
  writeFileAtomic,
} from '../../../shared/storage/atomic-file.ts';

const maxFileBytes = 1024;

function pathIn(dataFolder: string): string {
  return join(dataFolder, 'devices', '.agent-fingerprint');
}

/** @throws GatehouseError `storage_failed` */
export async function writeAgentFingerprint(dataFolder: string, fingerprint: string): Promise<void> {
  if ((await readAgentFingerprint(dataFolder)) === fingerprint) return;
  await ensurePrivateFolder(join(dataFolder, 'devices'));
  await writeFileAtomic(pathIn(dataFolder), `${fingerprint}\n`);
}

/** Lower-case hex SHA-256; null where no service with device sessions has run on this folder yet. */
export async function readAgentFingerprint(dataFolder: string): Promise<string | null> {
  const bytes = await readFileIfThere(pathIn(dataFolder), maxFileBytes);
  const text = bytes?.toString('utf8').trim() ?? '';
  return /^[0-9a-f]{64}$/.test(text) ? text : null;
}
