// Opens everything that a service keeps in its data folder, as its one holder.
import { join } from 'node:path';
import type { GatehouseError } from '../../shared/contracts/errors.ts';
import { ensurePrivateFolder } from '../../shared/storage/atomic-file.ts';
import { holdFolder } from '../../shared/storage/folder-lock.ts';
import { CertificateStore } from './certificates/certificate-store.ts';
import { openRequestLog } from './inspector/request-log.ts';
import type { RequestLog } from './inspector/request-log.ts';
import type { Opened } from './opened.ts';
import { AccessTokens } from './secrets/access-tokens.ts';
import { openIdentity } from './secrets/identity.ts';
import type { ServiceIdentity } from './secrets/identity.ts';
import { LiveAccessTokens } from './secrets/live-access-tokens.ts';
import { openServiceSecrets } from './secrets/service-secrets.ts';
import { SettingsStore } from './settings/settings-store.ts';

export interface DataFolder {
  readonly identity: ServiceIdentity;
  /** Makes the salts of unknown access tokens. */
  readonly fakeSaltKey: Uint8Array;
  readonly certificates: CertificateStore;
  /** True where this start made the certificate. */
  readonly certificateCreated: boolean;
  readonly settings: SettingsStore;
  readonly tokens: LiveAccessTokens;
  readonly log: RequestLog;
}

export interface DataFolderListener {
  /** Access tokens were made, revoked, or have expired. */
  readonly onTokens: () => void;
  readonly onProblem: (problem: GatehouseError) => void;
}

/** @throws GatehouseError as `startService`; `opened` has what was opened by then */
export async function openDataFolder(
  folder: string,
  superadminPassword: string,
  opened: Opened,
  listener: DataFolderListener,
): Promise<DataFolder> {
  await ensurePrivateFolder(folder);
  opened.add(await holdFolder(folder, 'service'));
  const secrets = await openServiceSecrets(folder, superadminPassword);
  const { identityKey, fakeSaltKey } = await secrets.read();
  const { store: certificates, created } = await CertificateStore.open(folder, secrets);
  const settings = await SettingsStore.open(folder);
  const log = await openLog(folder, settings);
  opened.add(() => log.close());
  const tokens = await LiveAccessTokens.open(new AccessTokens(folder), {
    onChange: listener.onTokens,
    onProblem: listener.onProblem,
  });
  opened.add(() => {
    tokens.close();
  });
  return {
    identity: openIdentity(identityKey),
    fakeSaltKey: Buffer.from(fakeSaltKey, 'base64'),
    certificates,
    certificateCreated: created,
    settings,
    tokens,
    log,
  };
}

/** In a folder of its own: each commit would otherwise wake everything that watches the data folder. */
async function openLog(folder: string, settings: SettingsStore): Promise<RequestLog> {
  const logFolder = join(folder, 'requests');
  await ensurePrivateFolder(logFolder);
  return openRequestLog({ file: join(logFolder, 'requests.db'), ...retentionOf(settings) });
}

/** How long the request log keeps what, as set now. */
export function retentionOf(settings: SettingsStore): { retentionDays: number; maxSizeMb: number } {
  return {
    retentionDays: settings.get('service.inspector.retention_days'),
    maxSizeMb: settings.get('service.inspector.max_size_mb'),
  };
}
