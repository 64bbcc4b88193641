// capture.json in the data folder: what payload capture was told, so that a restart neither forgets that it is on
// nor when it ends. Holds no payload. What does not have its exact form is an error, never a guess.
import { join } from 'node:path';
import * as v from 'valibot';
import { calls } from '../../../shared/contracts/console/calls.ts';
import type { CaptureView } from '../../../shared/contracts/console/models.ts';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { readFileIfThere, writeFileAtomic } from '../../../shared/storage/atomic-file.ts';

const fileName = 'capture.json';

const { rpcNames, maxBytes, redact } = calls['capture.set'].args.entries;
const until = v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0)));
const schema = v.strictObject({ until, rpcNames, maxBytes, redact });

/** What was stored last, or null. @throws GatehouseError `settings_corrupt`, `storage_failed` */
export async function readCaptureFile(folder: string): Promise<CaptureView | null> {
  const path = join(folder, fileName);
  const bytes = await readFileIfThere(path);
  if (bytes === null) return null;
  try {
    return v.parse(schema, JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    const message = `${path} is damaged, so payload capture is off. Switch it on again where it is wanted.`;
    throw new GatehouseError('settings_corrupt', message, { cause, details: { path } });
  }
}

/** @throws GatehouseError `storage_failed` */
export async function writeCaptureFile(folder: string, view: CaptureView): Promise<void> {
  await writeFileAtomic(join(folder, fileName), `${JSON.stringify(view, null, 2)}\n`, { mode: 0o600 });
}
