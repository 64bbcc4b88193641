// The composition root of a service: what starts, in what order, and how it stops. Plain Node; it knows
// nothing of terminals, windows or Electron.
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { asGatehouseError, GatehouseError } from '../../shared/contracts/errors.ts';
import { ensurePrivateFolder } from '../../shared/storage/atomic-file.ts';
import { holdFolder } from '../../shared/storage/folder-lock.ts';
import { CertificateStore } from './certificates/certificate-store.ts';
import { Endpoint } from './endpoint/endpoint.ts';
import { RelayLink } from './endpoint/relay-link.ts';
import type { RelayState } from './endpoint/relay-link.ts';
import { openRequestLog } from './inspector/request-log.ts';
import type { RequestLog } from './inspector/request-log.ts';
import { AccessTokens } from './secrets/access-tokens.ts';
import { openIdentity } from './secrets/identity.ts';
import { LiveAccessTokens } from './secrets/live-access-tokens.ts';
import { openServiceSecrets } from './secrets/service-secrets.ts';
import { SettingsStore } from './settings/settings-store.ts';

export interface ServiceOptions {
  readonly dataFolder: string;
  readonly superadminPassword: string;
  readonly relay: URL;
  /** For the first connection to a relay that is not open. */
  readonly enrolmentToken?: string;
  /** PEM of certificate authorities to trust for the relay instead of the system's. */
  readonly relayCa?: string;
  readonly logger: Logger;
  readonly onRelayState?: (state: RelayState) => void;
  /** Told when a renewed or imported certificate has been taken up. */
  readonly onFingerprint?: (sha256: string) => void;
  /** Serves the E2EE endpoint on this port of 127.0.0.1 too, without a relay: for measurements beside it. */
  readonly directPort?: number;
  /** How long requests under way may take when the service stops, in milliseconds. Default 5,000. */
  readonly drainMs?: number;
}

export interface RunningService {
  readonly serviceId: string;
  /** Lower-case hex SHA-256 of the certificate that new sessions get. */
  fingerprint(): string;
  /** True where this start made the certificate. */
  readonly certificateCreated: boolean;
  relayState(): RelayState;
  retryNow(): void;
  /** The port that serves without a relay, or null. */
  readonly directPort: number | null;
  stop(): Promise<void>;
}

/**
 * Starts a service on its data folder; resolves when it serves, connected to its relay or not yet.
 * @throws GatehouseError `superadmin_password_wrong`, `data_folder_in_use`, and the errors of the certificate,
 *   secrets, settings and request log; whatever was opened has been closed again
 */
export async function startService(options: ServiceOptions): Promise<RunningService> {
  const opened: (() => unknown)[] = [];
  try {
    return await start(options, opened);
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

/** `opened` collects how to close what has been opened, first opened last closed. */
async function start(options: ServiceOptions, opened: (() => unknown)[]): Promise<RunningService> {
  const { dataFolder, logger } = options;
  await ensurePrivateFolder(dataFolder);
  opened.push(await holdFolder(dataFolder, 'service'));
  const secrets = await openServiceSecrets(dataFolder, options.superadminPassword);
  const { identityKey, fakeSaltKey } = await secrets.read();
  const identity = openIdentity(identityKey);
  const { store: certificates, created } = await CertificateStore.open(dataFolder, secrets);
  const settings = await SettingsStore.open(dataFolder);
  const log = await openLog(dataFolder, settings);
  opened.push(() => log.close());
  const report = (problem: GatehouseError): void => {
    logger.error({ code: problem.code }, problem.message);
  };
  const tokens = await LiveAccessTokens.open(new AccessTokens(dataFolder), {
    onChange: () => {
      endpoint.enforceTokens();
    },
    onProblem: report,
  });
  opened.push(() => {
    tokens.close();
  });
  let relayState: RelayState = { state: 'connecting', attempt: 0 };
  const endpoint = new Endpoint({
    serviceId: identity.serviceId,
    settings: () => settings.all(),
    findToken: (id) => usableToken(tokens, id),
    fakeSaltKey: Buffer.from(fakeSaltKey, 'base64'),
    log,
    domainName: () => (relayState.state === 'online' ? relayState.domainName : ''),
    certificate: certificates.current(),
  });
  opened.push(
    settings.watch({
      onChange: () => {
        endpoint.enforceSettings();
        log.applySettings(retentionOf(settings));
      },
      onProblem: report,
    }),
    certificates.watch({
      onChange: (certificate) => {
        endpoint.useCertificate(certificate);
        options.onFingerprint?.(certificate.sha256);
      },
      onProblem: report,
    }),
  );
  const direct = options.directPort === undefined ? null : await listenDirect(endpoint, options.directPort);
  if (direct !== null) opened.push(() => direct.close());
  const link = new RelayLink({
    relay: options.relay,
    identity,
    ...(options.enrolmentToken === undefined ? {} : { enrolmentToken: options.enrolmentToken }),
    ...(options.relayCa === undefined ? {} : { ca: options.relayCa }),
    onStream: (stream) => {
      endpoint.acceptor.accept(stream);
    },
    onState: (state) => {
      relayState = state;
      options.onRelayState?.(state);
    },
  });
  link.start();
  return {
    serviceId: identity.serviceId,
    fingerprint: () => certificates.current().sha256,
    certificateCreated: created,
    relayState: () => relayState,
    retryNow: () => {
      link.retryNow();
    },
    directPort: direct === null ? null : (direct.address() as AddressInfo).port,
    stop: async () => {
      link.goAway();
      await endpoint.drain(options.drainMs ?? 5_000);
      await link.stop();
      await closeAll(opened);
    },
  };
}

async function closeAll(opened: (() => unknown)[]): Promise<void> {
  for (const close of opened.splice(0).reverse()) await close();
}

function usableToken(tokens: LiveAccessTokens, id: string): ReturnType<ConstructorParameters<typeof Endpoint>[0]['findToken']> {
  const token = tokens.find(id);
  return token?.status === 'active' ? { remoteUser: token.user, scram: token.scram } : null;
}

function openLog(dataFolder: string, settings: SettingsStore): Promise<RequestLog> {
  return openRequestLog({ file: join(dataFolder, 'requests.db'), ...retentionOf(settings) });
}

function retentionOf(settings: SettingsStore): { retentionDays: number; maxSizeMb: number } {
  return {
    retentionDays: settings.get('service.inspector.retention_days'),
    maxSizeMb: settings.get('service.inspector.max_size_mb'),
  };
}

function listenDirect(endpoint: Endpoint, port: number): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.setNoDelay(true);
    endpoint.acceptor.acceptDirect(socket, 'direct');
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(asGatehouseError(error, 'storage_failed', `Port ${port} cannot be listened on.`));
    });
    server.listen(port, '127.0.0.1', () => {
      resolve(server);
    });
  });
}
