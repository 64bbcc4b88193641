// Keeps the superadmin password, sealed by the key store of the operating system, in a file (0600) of the data folder.
// On `basic_text`, where Electron would use a password that everybody knows, it keeps nothing and says why.
import { join } from 'node:path';
import type { SafeStorage } from 'electron';
import type { KeyVault } from '../core/ports.ts';
import { readFileIfThere, removeFileIfThere, writeFileAtomic } from '../../shared/storage/atomic-file.ts';
import type { Texts } from './texts.ts';

const fileName = 'remembered-password';

/** Call when the app is ready: before that no key store is known. */
export async function openKeyVault(
  storage: SafeStorage,
  dataFolder: string,
  platform: NodeJS.Platform,
  texts: Texts,
): Promise<KeyVault> {
  const path = join(dataFolder, fileName);
  const reason = await whyNot(storage, platform, texts);
  const tellers = new Set<() => void>();
  let holds = (await readFileIfThere(path)) !== null;
  const nowHolds = (now: boolean): void => {
    holds = now;
    for (const tell of tellers) tell();
  };
  return {
    availability: () => ({ available: reason === null, reason }),
    remember: async (password) => {
      if (reason !== null) return;
      await writeFileAtomic(path, await storage.encryptStringAsync(password));
      nowHolds(true);
    },
    recall: async () => {
      if (reason !== null) return null;
      const sealed = await readFileIfThere(path);
      if (sealed === null) return null;
      // A key store that was emptied cannot open it any more: the person types the password again.
      return storage.decryptStringAsync(sealed).then(
        ({ result }) => result,
        () => null,
      );
    },
    forget: async () => {
      await removeFileIfThere(path);
      nowHolds(false);
    },
    holds: () => holds,
    onChange: (tell) => {
      tellers.add(tell);
      return () => tellers.delete(tell);
    },
  };
}

/** Null where the key store is a real one. */
async function whyNot(storage: SafeStorage, platform: NodeJS.Platform, texts: Texts): Promise<string | null> {
  if (platform === 'linux') {
    const backend = storage.getSelectedStorageBackend();
    if (backend === 'basic_text' || backend === 'unknown') return texts.vaultBasicText;
  }
  const available = await storage.isAsyncEncryptionAvailable().catch(() => false);
  return available ? null : texts.vaultUnavailable;
}
