// A trial: service, local relay and every secret made by itself, in one folder that says so.
// Nothing here is for production: whoever can read the folder can run the service.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { startService } from '../core/app.ts';
import type { RunningService } from '../core/app.ts';
import { isFirstStart } from '../core/secrets/service-secrets.ts';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { formatFingerprintColons } from '../../shared/contracts/fingerprint.ts';
import { RelayState } from '../../shared/relay/state/relay-state.ts';
import { ensurePrivateFolder, readFileIfThere, writeFileAtomic } from '../../shared/storage/atomic-file.ts';
import { runUntilSignal } from './lifecycle.ts';
import { startLocalRelay } from './local-relay.ts';
import type { LocalRelay } from './local-relay.ts';
import { makeLogger } from './logger.ts';
import { printNote, printResult } from './output.ts';
import { resolvePath } from './paths.ts';
import { readSecretFile } from './password.ts';
import type { TrialOptions } from './trial-options.ts';

const marker = 'TRIAL.txt';
const markerText = `This folder holds a Gatehouse trial made by "npm start".
Its superadmin password is generated and lies beside this file (superadmin-password).
Do not use it for anything that matters; remove the folder when you are done.
`;

interface TrialFolder {
  readonly folder: string;
  readonly passwordFile: string;
  readonly clientTokenFile: string;
  /** True where this start made the password. */
  readonly passwordMade: boolean;
}

/** Serves until SIGTERM or SIGINT. */
export async function runTrial(options: TrialOptions): Promise<void> {
  const trial = await prepareFolder(resolvePath(options.data));
  const local = await startLocalRelay({ data: trial.folder, listen: '127.0.0.1:0', domain: 'TRIAL' });
  try {
    await ensureClientToken(trial, local);
    const service = await startService({
      relay: new URL(local.url),
      enrolmentToken: local.enrolmentToken,
      dataFolder: trial.folder,
      superadminPassword: await readSecretFile(trial.passwordFile),
      logger: makeLogger('warn'),
    });
    const stopped = runUntilSignal(service, options);
    // Whoever reads the ready line may call at once; a relay that is out of reach holds it up no longer than one try.
    if ((await service.relayTried).state !== 'stopped') announce(trial, service, local.url, options);
    await stopped;
  } finally {
    await local.stop();
  }
}

/** Makes the folder a trial, or takes one that is. @throws GatehouseError `usage` for a real service's folder */
async function prepareFolder(folder: string): Promise<TrialFolder> {
  await ensurePrivateFolder(folder);
  const passwordFile = join(folder, 'superadmin-password');
  const marked = (await readFileIfThere(join(folder, marker))) !== null;
  if (!marked && !(await isFirstStart(folder))) {
    throw new GatehouseError(
      'usage',
      `${folder} holds a real service. Give the trial another folder with --data.`,
    );
  }
  await writeFileAtomic(join(folder, marker), markerText);
  const passwordMade = (await readFileIfThere(passwordFile)) === null;
  if (passwordMade) await writeFileAtomic(passwordFile, `${randomBytes(24).toString('base64url')}\n`);
  return { folder, passwordFile, clientTokenFile: join(folder, 'client-token'), passwordMade };
}

/** A relay token for the person at this machine, good for the trial's relay alone. */
async function ensureClientToken(trial: TrialFolder, local: LocalRelay): Promise<void> {
  if ((await readFileIfThere(trial.clientTokenFile)) !== null) return;
  const { token } = await (await RelayState.open(local.dataFolder)).clientTokens.mint('trial', null);
  await writeFileAtomic(trial.clientTokenFile, `${token}\n`);
}

function announce(trial: TrialFolder, service: RunningService, relay: string, options: TrialOptions): void {
  const { serviceId } = service;
  const fingerprint = service.fingerprint;
  const call = [
    `npm run -s gatehouse -- call ${serviceId} ping`,
    `--relay ${relay}`,
    `--relay-token-file ${quoted(trial.clientTokenFile)}`,
    `--fingerprint ${fingerprint}`,
  ].join(' ');
  const lines = [
    'Gatehouse trial: a service behind a relay of its own, both on this machine.',
    '',
    ...(service.certificateCreated ? ['*** A new E2EE certificate was made: there was none. ***', ''] : []),
    `Service      ${serviceId}`,
    `Relay        ${relay}`,
    `Fingerprint  ${formatFingerprintColons(fingerprint)}`,
    `Data         ${trial.folder}`,
    `Password     ${trial.passwordMade ? 'generated into' : 'in'} ${trial.passwordFile}`,
    '',
    'Call it from another terminal, in this folder:',
    '',
    `  ${call}`,
  ];
  printResult({ event: 'ready', serviceId, fingerprint, relay, call, data: trial.folder }, lines, options);
  if (options.json !== true) printNote('\nCtrl-C stops both.');
}

/** As a shell takes it, where it has more than plain characters. */
function quoted(path: string): string {
  return /^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
