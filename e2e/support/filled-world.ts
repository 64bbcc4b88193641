// A service whose request log holds very many rows: made by the inspector's own generator while the service was not
// running, as files that a busy service would have left.
import { resolve } from 'node:path';
import { ConsoleWorld } from './console-world.ts';

const generator = resolve(import.meta.dirname, '../../electron/core/inspector/bench/fill.ts');

export interface Filled {
  readonly world: ConsoleWorld;
  /** Ids of the rows that were made, of which there are no gaps between. */
  readonly firstId: number;
  readonly lastId: number;
}

/** Milliseconds that the making of a row may take, on a machine that does much else. */
const patienceMs = 1;

export async function startFilled(rows: number): Promise<Filled> {
  const world = await ConsoleWorld.start();
  try {
    await world.program.end();
    const made = world.home.execute(process.execPath, [generator, world.data, String(rows)]);
    const { code } = await made.exit(20_000 + rows * patienceMs);
    if (code !== 0) throw new Error(`The generator ended with ${String(code)}: ${made.stderr}`);
    await world.restart();
    return { world, ...(JSON.parse(made.stdout) as { firstId: number; lastId: number }) };
  } catch (error) {
    await world.close();
    throw error;
  }
}
