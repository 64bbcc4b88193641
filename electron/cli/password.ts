// Where the superadmin password and other secrets come from: a prompt without echo, or a private file.
// Never from the command line, which every process on the machine can read.
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { assertPrivate } from '../../shared/storage/private-file.ts';
import { resolvePath } from './paths.ts';

export const passwordFileVariable = 'GATEHOUSE_SUPERADMIN_PASSWORD_FILE';
/** A file with a secret is a line; more is a mistake. */
const maxSecretFileLength = 4096;

export interface PasswordSource {
  readonly passwordFile?: string;
}

/**
 * The superadmin password: from `--password-file`, from the file that the environment names, or asked for
 * at the terminal (twice where it is `chosen` now).
 * @throws GatehouseError `superadmin_password_required`, `file_too_open`, `storage_failed`
 */
export async function readSuperadminPassword(source: PasswordSource, chosen: boolean): Promise<string> {
  const file = source.passwordFile ?? process.env[passwordFileVariable];
  if (file !== undefined && file !== '') return readSecretFile(file);
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

/** The first line of a file that only its owner may read. @throws GatehouseError `file_too_open`, `storage_failed` */
export async function readSecretFile(path: string): Promise<string> {
  const resolved = resolvePath(path);
  const text = await readText(resolved);
  await assertPrivate(resolved);
  return text.split(/\r?\n/, 1)[0] ?? '';
}

async function readText(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(maxSecretFileLength), 0, maxSecretFileLength, 0);
      return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new GatehouseError('storage_failed', `${path} cannot be read. Check the path and who may read it.`, { cause });
  }
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
