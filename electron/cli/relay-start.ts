// Runs a relay until a signal comes. The result on stdout is one line with --json, a few for a person without;
// the log goes to stderr and never holds a token or a header.
import { join } from 'node:path';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { parseListenAddress } from '../../shared/relay/address.ts';
import type { TlsFiles } from '../../shared/relay/front-door.ts';
import { startRelay } from '../../shared/relay/relay.ts';
import type { Relay, RelayOptions } from '../../shared/relay/relay.ts';
import { assertPrivate } from '../../shared/storage/private-file.ts';
import { runUntilSignal } from './lifecycle.ts';
import { makeLogger } from './logger.ts';
import { printResult } from './output.ts';
import type { OutputOptions } from './output.ts';
import { resolvePath } from './paths.ts';
import { readTextFile } from './text-file.ts';
import type { TrialFlags, TrialParts } from './trial-idp/trial-parts.ts';

export interface RelayFlags extends OutputOptions, TrialFlags {
  readonly listen: string;
  readonly data: string;
  readonly domain: string;
  readonly publicUrl?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly open?: boolean;
  readonly oidcIssuer?: string;
  readonly oidcAudience?: string;
  readonly corsOrigin?: readonly string[];
  readonly blobCacheMb: string;
  readonly logLevel: string;
  readonly endWithStdin?: boolean;
}

/** @throws GatehouseError `usage`, `file_too_open`, `data_folder_in_use`, `storage_failed` */
export async function runRelay(flags: RelayFlags): Promise<void> {
  const dataFolder = resolvePath(flags.data);
  const trial = await startTrial(flags, dataFolder);
  const relay = await startRelay({
    listen: parseListenAddress(flags.listen),
    dataFolder,
    domain: flags.domain,
    publicUrl: flags.publicUrl,
    tls: await readTlsFiles(flags),
    open: flags.open,
    oidc: readOidc(flags),
    corsOrigins: flags.corsOrigin,
    blobCacheBytes: readMebibytes(flags.blobCacheMb),
    logger: makeLogger(flags.logLevel),
    ...trial?.relay,
  }).catch(async (error: unknown) => {
    await trial?.stop();
    throw error;
  });
  trial?.begin(relay);
  const stopped = runUntilSignal({ stop: () => stopAll(relay, trial) }, flags);
  if (flags.endWithStdin === true) endWithStdin();
  const lines = [...describe(relay, flags), ...(trial?.lines ?? []), 'Stop it with Ctrl+C.'];
  printResult({ event: 'ready', url: relay.url, ...trial?.ready }, lines, flags);
  await stopped;
}

/** What a trial adds is loaded only where it is asked for. */
async function startTrial(flags: RelayFlags, dataFolder: string): Promise<TrialParts | null> {
  if (flags.trialIdp === undefined && flags.trialApp === undefined) return null;
  const { startTrialParts } = await import('./trial-idp/trial-parts.ts');
  const options = { oidc: readOidc(flags), corsOrigins: flags.corsOrigin };
  return startTrialParts(flags, options, join(dataFolder, 'trial-idp'));
}

async function stopAll(relay: Relay, trial: TrialParts | null): Promise<void> {
  await relay.stop();
  await trial?.stop();
}

/** A parent that is killed closes our stdin with it: that counts as SIGTERM. An open stdin keeps nothing alive. */
function endWithStdin(): void {
  const { stdin } = process;
  stdin.once('close', () => process.emit('SIGTERM'));
  stdin.resume();
  stdin.unref();
}

async function readTlsFiles({ tlsCert, tlsKey }: RelayFlags): Promise<TlsFiles | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new GatehouseError('usage', '--tls-cert and --tls-key belong together. Give both, or neither.');
  }
  await assertPrivate(resolvePath(tlsKey));
  return { cert: await readTextFile(tlsCert), key: await readTextFile(tlsKey) };
}

function readOidc({ oidcIssuer, oidcAudience }: RelayFlags): RelayOptions['oidc'] {
  if (oidcIssuer === undefined && oidcAudience === undefined) return undefined;
  if (oidcIssuer === undefined || oidcAudience === undefined) {
    throw new GatehouseError(
      'usage',
      '--oidc-issuer and --oidc-audience belong together. Give both, or neither.',
    );
  }
  return { issuer: oidcIssuer, audience: oidcAudience };
}

function readMebibytes(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1024 * 1024;
  throw new GatehouseError('usage', '--blob-cache-mb takes a whole number of MiB; 0 keeps nothing.');
}

function describe({ url, domain }: Relay, { open }: RelayFlags): string[] {
  const next =
    open === true
      ? ['It is open: services and clients on this machine need no tokens.']
      : [
          'A service enrols once with a token from:  gatehouse relay enrolment-token',
          'A client comes in with a token from:      gatehouse relay client-token --user NAME',
        ];
  return [`The relay ${domain} serves at ${url}`, ...next];
}
