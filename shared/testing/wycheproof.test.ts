// Project Wycheproof in Node. The files are read from the folder that GATEHOUSE_WYCHEPROOF names, and never copied here.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runWycheproof, tallyLine, wycheproofFiles, type WycheproofFile } from './wycheproof.ts';

const folder = process.env.GATEHOUSE_WYCHEPROOF;
const files = Object.entries(wycheproofFiles) as [WycheproofFile, number][];

if (folder === undefined) {
  test('Wycheproof did not run: GATEHOUSE_WYCHEPROOF names no folder', () => {
    process.stdout.write('wycheproof (Node): did not run, GATEHOUSE_WYCHEPROOF is not set\n');
  });
} else {
  test.each(files)('every case of %s comes out as stated', async (file, cases) => {
    const tally = await runWycheproof(file, readFileSync(join(folder, file), 'utf8'));
    process.stdout.write(`${tallyLine(tally)} (Node)\n`);
    expect(tally.wrong).toEqual([]);
    expect(tally.ran).toBe(cases);
    expect(tally.valid + tally.invalid + tally.refused).toBe(cases);
    expect(tally.refused).toBe(file === 'aes_gcm_test.json' ? 250 : 0);
  });
}
