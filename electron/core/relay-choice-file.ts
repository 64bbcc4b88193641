// Which relay a service uses, in relay.json of its data folder, and the enrolment token that has not been used
// yet, in a file of its own (both 0600). The token is removed as soon as the relay knows the service.
import { join } from 'node:path';
import * as v from 'valibot';
import type { RelayChoice } from '../../shared/contracts/console/models.ts';
import { maxLength } from '../../shared/contracts/console/calls.ts';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { readFileIfThere, removeFileIfThere, writeFileAtomic } from '../../shared/storage/atomic-file.ts';
import { parseRelayUrl } from '../../shared/net/dial.ts';

const fileName = 'relay.json';
const tokenFileName = 'relay-enrolment-token';

const fileSchema = v.variant('kind', [
  v.strictObject({ v: v.literal(1), kind: v.literal('local') }),
  v.strictObject({
    v: v.literal(1),
    kind: v.literal('url'),
    url: v.pipe(v.string(), v.maxLength(maxLength.url)),
    ca: v.optional(v.pipe(v.string(), v.maxLength(maxLength.pem))),
  }),
]);

/** Null where none was chosen. @throws GatehouseError `settings_corrupt`, `storage_failed` */
export async function readRelayChoice(folder: string): Promise<RelayChoice | null> {
  const path = join(folder, fileName);
  const bytes = await readFileIfThere(path);
  if (bytes === null) return null;
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), fileSchema), bytes.toString('utf8'));
  if (!result.success) {
    const message = `${path} cannot be read. Correct it or restore it from a backup; removing it brings back the local relay.`;
    throw new GatehouseError('settings_corrupt', message, { details: { path } });
  }
  if (result.output.kind === 'local') return { kind: 'local' };
  const token = (await readFileIfThere(join(folder, tokenFileName)))?.toString('utf8');
  const { url, ca } = result.output;
  return { kind: 'url', url, enrolmentToken: token, ca };
}

/** Checks a choice before anything is written. @throws GatehouseError `usage` for a URL that is none */
export function checkRelayChoice(choice: RelayChoice): void {
  if (choice.kind === 'url') parseRelayUrl(choice.url);
}

/**
 * Keeps the choice. The token is written first: a stop in between leaves the old choice with a token that no
 * relay but the new one takes.
 * @throws GatehouseError `storage_failed`
 */
export async function writeRelayChoice(folder: string, choice: RelayChoice): Promise<void> {
  const token = choice.kind === 'url' ? choice.enrolmentToken : undefined;
  if (token === undefined) await forgetEnrolmentToken(folder);
  else await writeFileAtomic(join(folder, tokenFileName), token);
  const file =
    choice.kind === 'local'
      ? { v: 1, kind: 'local' }
      : { v: 1, kind: 'url', url: parseRelayUrl(choice.url).origin, ca: choice.ca };
  await writeFileAtomic(join(folder, fileName), `${JSON.stringify(file, null, 2)}\n`);
}

/** The relay knows the service by its key from now on. */
export function forgetEnrolmentToken(folder: string): Promise<void> {
  return removeFileIfThere(join(folder, tokenFileName));
}
