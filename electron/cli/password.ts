// Where the superadmin password and other secrets come from: a prompt without echo, or a private file.
// Never from the command line, which every process on the machine can read.
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { assertPrivate } from '../../shared/storage/private-file.ts';
import { resolvePath } from './paths.ts';
import { readTextFile } from './text-file.ts';

export const passwordFileVariable = 'GATEHOUSE_SUPERADMIN_PASSWORD_FILE';

export interface PasswordSource {
  readonly passwordFile?: string;
}

/**
 * The superadmin password: from `--password-file`, from the file that the environment names, or asked for
 * at the terminal (twice where it is `chosen` now).
 * @throws GatehouseError `superadmin_password_required`, `file_too_open`, `storage_failed`
 */
export async function readSuperadminPassword(source: PasswordSource, chosen: boolean): Promise<string> {
  const given = await readPasswordFileIfNamed(source);
  if (given !== null) return given;
  if (!process.stdin.isTTY) {
    const message = `The superadmin password is needed: call at a terminal, pass --password-file FILE, or set ${passwordFileVariable}.`;
    throw new GatehouseError('superadmin_password_required', message);
  }
  if (!chosen) return askHidden('Superadmin password: ');
  const first = await askHidden('Choose a superadmin password for this service: ');
  if (first !== (await askHidden('Once more: '))) {
    throw new GatehouseError('superadmin_password_required', 'The two differ. Nothing was made; try again.');
  }
  return first;
}

/** As far as a file was named: null asks nobody. @throws GatehouseError `file_too_open`, `storage_failed` */
export async function readPasswordFileIfNamed(source: PasswordSource): Promise<string | null> {
  const file = source.passwordFile ?? process.env[passwordFileVariable];
  return file === undefined || file === '' ? null : readSecretFile(file);
}

/** The first line of a file that only its owner may read. @throws GatehouseError `file_too_open`, `storage_failed` */
export async function readSecretFile(path: string): Promise<string> {
  const text = await readTextFile(path);
  await assertPrivate(resolvePath(path));
  return text.split(/\r?\n/, 1)[0] ?? '';
}

/** Asks on the terminal without showing what is typed. */
export function askHidden(question: string): Promise<string> {
  const silent = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  process.stderr.write(question);
  const reader = createInterface({ input: process.stdin, output: silent, terminal: true });
  return new Promise((resolve, reject) => {
    reader.once('line', (line) => {
      reader.removeAllListeners('close');
      reader.close();
      process.stderr.write('\n');
      resolve(line);
    });
    reader.once('close', () => {
      reject(new GatehouseError('superadmin_password_required', 'No password was given.'));
    });
  });
}
