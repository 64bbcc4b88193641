// Runs the crypto contract under Node. The vectors lie beside the repository; where they are not there, the
// checks that need them are reported as skipped.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'vitest';
import { cryptoContract } from './crypto-contract.ts';
import { cryptoVectors } from './crypto-vectors.ts';

const vectors = fileURLToPath(new URL('../../../shared/vectors/wycheproof', import.meta.url));

describe('the crypto contract', () => {
  it.each(cryptoContract)('$name', async ({ run }) => {
    await run();
  });

  it.skipIf(!existsSync(vectors)).each(cryptoVectors(vectors))('$name', async ({ run }) => {
    await run();
  });
});
