// Opens everything that a service keeps in its data folder, as its one holder.
import { join } from 'node:path';
import type { GatehouseError } from '../../shared/contracts/errors.ts';
import { ensurePrivateFolder } from '../../shared/storage/atomic-file.ts';
import { holdFolder } from '../../shared/storage/folder-lock.ts';
import { Capture } from './capture/capture.ts';
import { Devices } from './devices/devices.ts';
import { CertificateStore } from './certificates/certificate-store.ts';
import { Documents } from './documents/documents.ts';
import { AuditLog } from './inspector/audit-log.ts';
import type { AuditLogApi, InspectorApi } from './inspector/inspector-api.ts';
import { Inspector } from './inspector/inspector.ts';
import { openRequestLog } from './inspector/request-log.ts';
import type { RequestLog } from './inspector/request-log.ts';
import type { Opened } from './opened.ts';
import { AccessTokens } from './secrets/access-tokens.ts';
import { openDeviceSecrets } from './secrets/device-secrets.ts';
import { openIdentity } from './secrets/identity.ts';
import type { ServiceIdentity } from './secrets/identity.ts';
import { LiveAccessTokens } from './secrets/live-access-tokens.ts';
import type { Secrets } from './secrets/secrets-file.ts';
import { SettingsStore } from './settings/settings-store.ts';

/** What opens without the superadmin password; a console has it open also while the service is locked. */
export interface Foundation {
  readonly settings: SettingsStore;
  readonly log: RequestLog;
  readonly capture: Capture;
}

/** With what only a console asks for. */
export interface ConsoleFoundation extends Foundation {
  readonly inspector: InspectorApi;
  readonly audit: AuditLogApi;
}

export interface DataFolder extends Foundation {
  readonly identity: ServiceIdentity;
  /** Makes the salts of unknown access tokens. */
  readonly fakeSaltKey: Uint8Array;
  readonly certificates: CertificateStore;
  /** True where this start made the certificate. */
  readonly certificateCreated: boolean;
  readonly tokens: LiveAccessTokens;
  readonly documents: Documents;
  readonly devices: Devices;
}

export interface DataFolderListener {
  /** These access tokens were made, revoked, or have expired. */
  readonly onTokens: (ids: readonly string[]) => void;
  readonly onProblem: (problem: GatehouseError) => void;
}

export interface DataFolderOptions {
  readonly folder: string;
  /** Asked once the folder is held. */
  readonly secrets: () => Promise<Secrets>;
  /** Of whoever holds the folder already, and closes it. */
  readonly foundation?: Foundation | undefined;
  readonly listener: DataFolderListener;
}

/** Makes the folder where it is missing, and holds it. @throws GatehouseError `data_folder_in_use`, `storage_failed` */
export async function takeDataFolder(folder: string, opened: Opened): Promise<void> {
  await ensurePrivateFolder(folder);
  opened.add(await holdFolder(folder, 'service'));
}

/** Of a folder that is held. @throws GatehouseError those of the settings and the request log */
export async function openFoundation(
  folder: string,
  opened: Opened,
  onProblem: (problem: GatehouseError) => void,
): Promise<Foundation> {
  const settings = await SettingsStore.open(folder);
  const log = await openLog(folder, settings);
  opened.add(() => log.close());
  const capture = await Capture.open({
    folder,
    store: (requestId, payload) => {
      log.capture(requestId, payload);
    },
    onProblem,
  });
  opened.add(() => capture.close());
  return { settings, log, capture };
}

/** As `openFoundation`. */
export async function openConsoleFoundation(
  folder: string,
  opened: Opened,
  onProblem: (problem: GatehouseError) => void,
): Promise<ConsoleFoundation> {
  const foundation = await openFoundation(folder, opened, onProblem);
  const { log } = foundation;
  const inspector = await Inspector.open({ log });
  opened.add(() => inspector.close());
  return { ...foundation, inspector, audit: await AuditLog.open({ log, inspector }) };
}

/** @throws GatehouseError as `startService`; `opened` has what was opened by then */
export async function openDataFolder(options: DataFolderOptions, opened: Opened): Promise<DataFolder> {
  const { folder, listener } = options;
  if (options.foundation === undefined) await takeDataFolder(folder, opened);
  const secrets = await options.secrets();
  const { identityKey, fakeSaltKey } = await secrets.read();
  const { store: certificates, created } = await CertificateStore.open(folder, secrets);
  const foundation = options.foundation ?? (await openFoundation(folder, opened, listener.onProblem));
  const tokens = await LiveAccessTokens.open(new AccessTokens(folder), {
    onChange: listener.onTokens,
    onProblem: listener.onProblem,
  });
  opened.add(() => {
    tokens.close();
  });
  const documents = await Documents.open({ dataFolder: folder, onProblem: listener.onProblem });
  opened.add(() => documents.close());
  const identity = openIdentity(identityKey);
  const devices = await Devices.open(
    {
      dataFolder: folder,
      serviceId: identity.serviceId,
      secrets: await openDeviceSecrets(secrets),
      settings: () => foundation.settings.all(),
      onProblem: listener.onProblem,
    },
    opened,
  );
  return {
    identity,
    fakeSaltKey: Buffer.from(fakeSaltKey, 'base64'),
    certificates,
    certificateCreated: created,
    tokens,
    documents,
    devices,
    ...foundation,
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
