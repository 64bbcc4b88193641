// Writes shared/testing/vectors/device-*.json anew: node shared/testing/make-device-vectors.ts
// device-vectors.test.ts fails where they differ from what the protocol makes, so a change of them is a change of the
// protocol's version.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deviceVectors } from './device-vectors.ts';

const folder = join(import.meta.dirname, 'vectors');
mkdirSync(folder, { recursive: true });
for (const [name, content] of Object.entries(await deviceVectors())) {
  writeFileSync(join(folder, name), `${JSON.stringify(content, null, 2)}\n`);
}
