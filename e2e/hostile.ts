// `npm run hostile [minutes] [seed]`: random hostile bytes at every layer for as long as wanted, against a relay and a
// service of its own. Ends with 1 as soon as somebody else is not served, or memory grows beyond its bound.
// Must never be aimed at anything but what it has started.
import { throwRandomBytes } from './hostile/random-bytes.ts';
import { Target } from './hostile/target.ts';

const [minutes = 5, seed = Date.now() % 1_000_000] = process.argv.slice(2).map(Number);
/** Resident memory that either process may have more than at the start, in bytes. */
const maxGrowth = 256 * 1024 * 1024;
const inMebibytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`;

if (!(minutes > 0) || !Number.isSafeInteger(seed)) {
  console.error('Usage: npm run hostile [minutes] [seed]');
  process.exit(2);
}
const target = await Target.start();
try {
  const before = target.memory();
  console.log(
    `seed ${seed}, ${minutes} min, relay ${inMebibytes(before.relay)}, service ${inMebibytes(before.service)}`,
  );
  const onRound = (round: number, connections: number): void => {
    const now = target.memory();
    if (round % 50 === 0) {
      console.log(
        `${connections} connections, relay ${inMebibytes(now.relay)}, service ${inMebibytes(now.service)}`,
      );
    }
    if (Math.max(now.relay - before.relay, now.service - before.service) > maxGrowth) {
      throw new Error(`Seed ${seed}, round ${round}: memory grew beyond ${inMebibytes(maxGrowth)}.`);
    }
  };
  const { connections } = await throwRandomBytes(target, { seed, milliseconds: minutes * 60_000, onRound });
  console.log(`${connections} connections, and everybody else was served.`);
} catch (error) {
  console.error(error);
  process.exitCode = 1;
} finally {
  await target.close();
}
