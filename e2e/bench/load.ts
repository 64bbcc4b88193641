// One load generator: a process of its own with one way to the service, told what to do by the bench.
// All ways use the same client library; only where their streams come from differs.
import { connect } from 'node:net';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { collectBuffersEarly, login } from '../../shared/client/index.ts';
import type { Service } from '../../shared/client/index.ts';
import { KnownServices } from '../../shared/client/known-services.ts';
import { defaultTimeouts } from '../../shared/client/limits.ts';
import { Service as DirectService } from '../../shared/client/service.ts';
import type { Latency, LoadCommand, LoadResult, Way } from './protocol.ts';

collectBuffersEarly();

const way = JSON.parse(process.argv[2] ?? '{}') as Way;
const mebibyte = 1024 * 1024;
const block = Buffer.alloc(256 * 1024, 'Gatehouse bench. ');
let current: Service | null = null;

process.on('message', (command: LoadCommand) => {
  run(command).then(
    (result) => process.send?.({ result }),
    (error: unknown) =>
      process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));

async function run(command: LoadCommand): Promise<LoadResult> {
  switch (command.op) {
    case 'connect':
      current = await open();
      await current.call('ping');
      return {};
    case 'rate':
      return rate(service(), command.inFlight, command.milliseconds);
    case 'down':
      return down(service(), command.mebibytes);
    case 'up':
      return up(service(), command.mebibytes);
    case 'setup':
      return setUp(command.times);
    case 'idle':
      return idle(command.count);
  }
}

function service(): Service {
  if (current === null) throw new Error('not connected');
  return current;
}

/** A new session, by way of the relay or of a TCP port. */
async function open(): Promise<Service> {
  const credentials = { e2eeFingerprint: way.fingerprint };
  if (way.relay !== undefined) {
    const { url, ca, token } = way.relay;
    const client = await login({
      relay: url,
      relayToken: readFileSync(token, 'utf8').trim(),
      ca: readFileSync(ca, 'utf8'),
    });
    return client.serviceCloud(way.serviceId, credentials);
  }
  const direct = new DirectService({
    serviceId: way.serviceId,
    credentials,
    context: {
      source: { openStream: () => openPort(way.port ?? 0) },
      known: new KnownServices(null, () => undefined),
      useE2eeDefault: 'always',
      useH2WhenAvailable: true,
      timeouts: defaultTimeouts,
      warn: () => undefined,
    },
    requestLimit: 1000,
    record: () => undefined,
    onClosed: () => undefined,
  });
  await direct.connect();
  return direct;
}

async function openPort(port: number) {
  const duplex = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(duplex, 'connect');
  return { duplex, clientId: 'bench', domainName: 'bench' };
}

/** As many calls as go through with `inFlight` of them always under way. */
async function rate(target: Service, inFlight: number, milliseconds: number): Promise<LoadResult> {
  const latencies: number[] = [];
  const start = performance.now();
  const end = start + milliseconds;
  const worker = async (): Promise<void> => {
    for (let now = performance.now(); now < end;) {
      await target.call('ping');
      const after = performance.now();
      latencies.push(after - now);
      now = after;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const seconds = (performance.now() - start) / 1000;
  return { perSecond: latencies.length / seconds, latency: quantiles(latencies) };
}

function quantiles(values: number[]): Latency {
  values.sort((a, b) => a - b);
  const at = (q: number): number => values[Math.min(values.length - 1, Math.floor(values.length * q))] ?? 0;
  return { p50: at(0.5), p99: at(0.99) };
}

async function down(target: Service, mebibytes: number): Promise<LoadResult> {
  const bytes = mebibytes * mebibyte;
  const start = performance.now();
  const { body } = await target.stream('chargen', { body: Buffer.alloc(0), args: { bytes } });
  let received = 0;
  body.on('data', (chunk: Buffer) => (received += chunk.length));
  await once(body, 'end');
  if (received !== bytes) throw new Error(`received ${received} of ${bytes}`);
  return { mebibytesPerSecond: mebibytes / ((performance.now() - start) / 1000) };
}

async function up(target: Service, mebibytes: number): Promise<LoadResult> {
  const bytes = mebibytes * mebibyte;
  const start = performance.now();
  const { body } = await target.stream('discard', { body: octets(bytes) });
  let answer = '';
  body.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  await once(body, 'end');
  if ((JSON.parse(answer) as { bytes: number }).bytes !== bytes)
    throw new Error(`the service received ${answer}`);
  return { mebibytesPerSecond: mebibytes / ((performance.now() - start) / 1000) };
}

function octets(bytes: number): Readable {
  let left = bytes;
  return new Readable({
    highWaterMark: 2 * block.length,
    read() {
      const length = Math.min(left, block.length);
      left -= length;
      this.push(length === 0 ? null : block.subarray(0, length));
    },
  });
}

/** From nothing but the connection to the relay (or nothing at all) to the first answer. */
async function setUp(times: number): Promise<LoadResult> {
  const taken: number[] = [];
  for (let i = 0; i < times; i += 1) {
    const start = performance.now();
    await service().reload();
    await service().call('ping');
    taken.push(performance.now() - start);
  }
  return { latency: quantiles(taken) };
}

const idleSessions: Service[] = [];

async function idle(count: number): Promise<LoadResult> {
  for (let i = 0; i < count; i += 1) idleSessions.push(await open());
  return {};
}
