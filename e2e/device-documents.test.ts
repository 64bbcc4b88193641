// Large documents to a device, between real processes: in memory that does not grow with the document, and however long
// the service takes to prepare them.
import { closeSync, existsSync, ftruncateSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { ConsoleBrowser } from './support/browser.ts';
import { DeviceWorld } from './support/device-world.ts';
import { peakResidentBytes } from './support/processes.ts';
import type { Program } from './support/program.ts';
import { SmallDisk } from './support/small-disk.ts';
import { until } from './support/waiting.ts';

const mib = 1024 * 1024;
/** Of the document, in bytes; and the most memory that its download may take: less than the document alone. */
const documentLength = 256 * mib;
const maxResident = 192 * mib;
const longMs = 100_000;
/** Longer than the service lets anybody wait for an answer, in milliseconds. */
const stillMs = 5_500;

let devices: DeviceWorld;
let relay: string;
beforeAll(async () => {
  const [world, browser] = await Promise.all([DeviceWorld.start(), ConsoleBrowser.open()]);
  devices = world;
  // Not through the proxy, which would be measured too.
  relay = devices.world.relayUrl.replace(/^ws/, 'http');
  await devices.logIn(await (await browser.person()).newPage(), 'anna', relay);
  await browser.close();
  const { serviceId } = devices.world;
  const { json } = await devices.device('register', 'laptop', '--relay', relay, '--service', serviceId);
  await devices.confirm(String(json.deviceFingerprint));
  await until('it is let in', async () => (await devices.device('call', 'laptop', 'ping')).exitCode === 0);
});
afterAll(() => devices.close());

/** A document of so many zeros. */
function publish(name: string, length: number): void {
  const file = openSync(devices.world.home.path('published', name), 'wx');
  ftruncateSync(file, length);
  closeSync(file);
}

function download(name: string, ...more: readonly string[]): Program {
  const { home } = devices.world;
  return home.spawn('device', 'download', 'laptop', 'Plans', name, '--output', home.path(name), ...more);
}

/** The most resident memory of a program until it has ended. */
async function peakOf(program: Program): Promise<number> {
  let most = 0;
  const measured = (): boolean => {
    most = Math.max(most, peakResidentBytes(program.pid));
    return !program.running;
  };
  await until('it has ended', measured, longMs);
  return most;
}

it('a download takes less memory than the document has bytes, however fast it comes', async () => {
  publish('large.bin', documentLength);
  const program = download('large.bin', '--json');
  const most = await peakOf(program);
  expect(program.events.at(-1)).toMatchObject({ event: 'downloaded', size: documentLength });
  expect(statSync(devices.world.home.path('large.bin')).size).toBe(documentLength);
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThan(maxResident);
});

it('one that is not ready in time is waited for, and the person sees how far it is', async () => {
  const { world } = devices;
  publish('slow.bin', documentLength);
  const program = download('slow.bin');
  const half = (): boolean =>
    readdirSync(join(world.data, 'documents/blobs')).some((name) => name.endsWith('.part'));
  await until('it is being encrypted', half, 60_000);
  // The machine of the service stands still for a while.
  world.service.signal('SIGSTOP');
  await delay(stillMs);
  world.service.signal('SIGCONT');
  expect((await program.exit(longMs)).code).toBe(0);
  expect(program.stderr).toMatch(/^preparing +\d+ % {2}the service has read \d+ of 536870912 bytes$/m);
  expect(statSync(world.home.path('slow.bin')).size).toBe(documentLength);
});

it('a disk that fills up in the middle of the last chunk is an error, and the download goes on when there is room', async (context) => {
  const { home } = devices.world;
  const disk = SmallDisk.mount(home.path('small'), 1);
  if (disk === null) return context.skip('needs the right to mount a tmpfs');
  onTestFinished(() => disk.unmount());
  const length = 100 * 1024;
  publish('last.bin', length);
  const output = home.path('small', 'last.bin');
  const run = () => home.run('device', 'download', 'laptop', 'Plans', 'last.bin', '--output', output);
  disk.fill(68 * 1024);
  const refused = await run();
  expect(refused.stderr).toMatch(/could not be written \(ENOSPC\)\. The disk is full/);
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  expect(existsSync(output)).toBe(false);
  disk.free();
  expect((await run()).exitCode).toBe(0);
  expect(readFileSync(output).equals(Buffer.alloc(length))).toBe(true);
});
