// `npm run large-document [GiB]`: one document of 2 GiB (or so many) to a device, with the downloading program killed at a
// third and the service killed at two thirds; then to a second reader, from the relay's cache. Prints rates and memory.
// Ends with 1 where the file is not byte for byte the one that was published, or a process took too much memory.
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, openSync, readdirSync, readFileSync, statSync, writeSync } from 'node:fs';
import { ConsoleBrowser } from './support/browser.ts';
import { DeviceWorld } from './support/device-world.ts';
import { residentBytes } from './support/processes.ts';
import { until } from './support/waiting.ts';

const mib = 1024 * 1024;
const gibibytes = Number(process.argv[2] ?? 2);
/** Resident memory that any process may have, in bytes: far below the document. */
const maxResident = 512 * mib;
const longMs = 30 * 60_000;

if (!(gibibytes > 0)) {
  console.error('Usage: npm run large-document [GiB]');
  process.exit(2);
}
const length = Math.round(gibibytes * 1024) * mib;

const [devices, browser] = await Promise.all([DeviceWorld.start(), ConsoleBrowser.open()]);
const { world } = devices;
const { home } = world;
const relay = world.relayUrl.replace(/^ws/, 'http');
let most = 0;
/** Which process that was. */
let whose = '';
const watch = setInterval(() => {
  for (const { pid, commandLine } of home.processes()) {
    if (!commandLine.includes('gatehouse.mjs')) continue;
    try {
      const resident = residentBytes(pid);
      if (resident <= most) continue;
      most = resident;
      whose = /gatehouse\.mjs (\w+ ?\w*)/.exec(commandLine)?.[1] ?? '';
    } catch {
      // It has just ended.
    }
  }
}, 500);
try {
  await run();
  if (most > maxResident) throw new Error(`"${whose}" took ${inMebibytes(most)}.`);
} finally {
  clearInterval(watch);
  await browser.close();
  await devices.close();
}

async function run(): Promise<void> {
  const page = await (await browser.person()).newPage();
  await devices.logIn(page, 'anna', relay);
  for (const name of ['laptop', 'tablet']) await register(name);
  const sha256 = publish('large.bin');
  console.log(`${inMebibytes(length)} are published`);

  await prepare();
  const output = home.path('laptop.bin');
  await brokenAt('the program', output, length / 3, (program) => program.end('SIGKILL'));
  await brokenAt('the service', output, (length * 2) / 3, async () => {
    await world.service.end('SIGKILL');
    await world.restartService();
  });
  await download('laptop', output);
  if ((await hashOf(output)) !== sha256) throw new Error('What arrived is not what was published.');
  console.log('it arrived whole, over two breaks');

  const before = writtenBy(world.service.pid);
  await download('tablet', home.path('tablet.bin'));
  const uplink = writtenBy(world.service.pid) - before;
  if (uplink > length / 100) throw new Error(`The second reader cost ${inMebibytes(uplink)} of the uplink.`);
  if ((await hashOf(home.path('tablet.bin'))) !== sha256) throw new Error('The second copy is another one.');
  console.log(
    `a second reader: ${inMebibytes(uplink)} more from the service; most memory of a process ${inMebibytes(most)}`,
  );
}

/** The service encrypts it at its first request; whoever asks is told how far it is, and waits. */
async function prepare(): Promise<void> {
  const start = performance.now();
  const args = JSON.stringify({ collection: 'Plans', name: 'large.bin' });
  const program = home.spawn('device', 'call', 'laptop', 'documents.get', args, '--json');
  const { code } = await program.exit(longMs);
  if (code !== 0) throw new Error(`It was not prepared: ${program.stdout}${program.stderr}`);
  const told = program.stderr.split('\n').filter((line) => line.startsWith('preparing'));
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(
    `encrypted after ${seconds} s; the program was told so ${told.length} times: ${told.at(-1) ?? ''}`,
  );
}

type Downloading = ReturnType<typeof home.spawn>;

/** Downloads until so much is there, breaks it, and waits until the program has ended. */
async function brokenAt(
  what: string,
  output: string,
  bytes: number,
  breakIt: (program: Downloading) => Promise<unknown>,
): Promise<void> {
  const program = home.spawn(...downloadArgs('laptop', output));
  await until('so much has come', () => received(output) >= bytes, longMs);
  await breakIt(program);
  console.log(`${what} was killed at ${inMebibytes(received(output))}`);
  await program.exit(longMs);
}

async function download(name: string, output: string): Promise<void> {
  const start = performance.now();
  const from = received(output);
  const program = home.spawn(...downloadArgs(name, output));
  await program.event('downloaded', longMs);
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `${name}: the last ${inMebibytes(length - from)} in ${seconds.toFixed(1)} s, ${((length - from) / mib / seconds).toFixed(0)} MiB/s`,
  );
}

function downloadArgs(name: string, output: string): string[] {
  return ['device', 'download', name, 'Plans', 'large.bin', '--output', output, '--json'];
}

/** What lies beside `output` until all of it is there. */
function received(output: string): number {
  const name = output.slice(output.lastIndexOf('/') + 1);
  const part = readdirSync(home.folder).find((each) => each.startsWith(`.${name}`));
  return part === undefined ? 0 : (statSync(home.path(part), { throwIfNoEntry: false })?.size ?? 0);
}

async function register(name: string): Promise<void> {
  const args = ['register', name, '--relay', relay, '--service', world.serviceId];
  const { json } = await devices.device(...args);
  await devices.confirm(String(json.deviceFingerprint));
  await until('it is let in', async () => (await devices.device('call', name, 'ping')).exitCode === 0);
}

/** Returns its SHA-256. */
function publish(name: string): string {
  const hash = createHash('sha256');
  const file = openSync(home.path('published', name), 'wx');
  for (let at = 0; at < length; at += mib) {
    const block = randomBytes(Math.min(mib, length - at));
    hash.update(block);
    writeSync(file, block);
  }
  return hash.digest('hex');
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: mib })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Bytes that a process has written to files and sockets. */
function writtenBy(pid: number): number {
  return Number(/wchar: (\d+)/.exec(readFileSync(`/proc/${String(pid)}/io`, 'utf8'))?.[1]);
}

function inMebibytes(bytes: number): string {
  return `${Math.round(bytes / mib)} MiB`;
}
