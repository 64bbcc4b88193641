// A trial: service, local relay and every secret made by itself, in one folder that says so.
// Nothing here is for production: whoever can read the folder can run the service.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { isFirstStart } from '../core/secrets/service-secrets.ts';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { ensurePrivateFolder, readFileIfThere, writeFileAtomic } from '../../shared/storage/atomic-file.ts';
import { makeConsoleHost } from './console-host.ts';
import { runConsole } from './console-run.ts';
import { makeLogger } from './logger.ts';
import { printNote } from './output.ts';
import { resolvePath } from './paths.ts';
import { readSecretFile } from './password.ts';
import type { TrialOptions } from './trial-options.ts';

const marker = 'TRIAL.txt';
const markerText = `This folder holds a Gatehouse trial made by "gatehouse trial".
Its superadmin password is generated and lies beside this file (superadmin-password).
Do not use it for anything that matters; remove the folder when you are done.
`;

interface TrialFolder {
  readonly folder: string;
  readonly passwordFile: string;
}

/** Serves until SIGTERM or SIGINT. */
export async function runTrial(options: TrialOptions): Promise<void> {
  const trial = await prepareFolder(resolvePath(options.data));
  if (options.json !== true) printNote(`Gatehouse trial: all of it is in ${trial.folder}`);
  if (options.json !== true) printNote(`Its superadmin password is in ${trial.passwordFile}\n`);
  const run = {
    installation: {
      dataFolder: trial.folder,
      host: makeConsoleHost({ listen: '127.0.0.1:0', domain: 'TRIAL', trial: true }),
      logger: makeLogger('warn'),
      relay: { kind: 'local' } as const,
    },
    console: options.console ?? true,
    allowRemote: false,
    password: await readSecretFile(trial.passwordFile),
    facts: { data: trial.folder },
  };
  await runConsole(run, options);
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
  if ((await readFileIfThere(passwordFile)) === null)
    await writeFileAtomic(passwordFile, `${randomBytes(24).toString('base64url')}\n`);
  return { folder, passwordFile };
}
