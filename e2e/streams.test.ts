// Streams between real processes: whole, held back by whoever does not read, cut, and refused while the log fails.
// Memory is measured at the relay, which holds bytes for strangers.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatehouseError } from '../shared/contracts/errors.ts';
import { residentBytes } from './support/processes.ts';
import { until, within } from './support/waiting.ts';
import { World } from './support/world.ts';

let world: World;
beforeAll(async () => {
  world = await World.start();
});
afterAll(() => world.close());

const mib = 1024 * 1024;

/** Octets that no two places have in common, made as they are read; `seen` is told of each. */
async function* octets(length: number, seen: Hash): AsyncGenerator<Buffer> {
  for (let at = 0; at < length; at += 64 * 1024) {
    const chunk = Buffer.alloc(Math.min(64 * 1024, length - at));
    for (let word = 0; word + 4 <= chunk.length; word += 4)
      chunk.writeUInt32LE(((at + word) * 2654435761) >>> 0, word);
    seen.update(chunk);
    yield chunk;
  }
}

describe('an echo', () => {
  it.each([true, false])('of 64 MiB comes back octet for octet (HTTP/2: %s)', async (useH2WhenAvailable) => {
    const service = await world.open({}, { useH2WhenAvailable });
    const [sent, received] = [createHash('sha256'), createHash('sha256')];
    const { body, request } = await service.stream('echo', { body: octets(64 * mib, sent) });
    for await (const chunk of body as AsyncIterable<Buffer>) received.update(chunk);
    expect(received.digest('hex')).toBe(sent.digest('hex'));
    expect(request).toMatchObject({ status: 'SUCCESS', bytesRead: 64 * mib, bytesWritten: 64 * mib });
  });
});

describe('a client that stops reading', () => {
  it('stops its own stream at the service, no other, and fills no memory of the relay', async () => {
    const service = await world.open();
    await service.call('ping');
    const before = residentBytes(world.relay.pid);
    const { body, request } = await service.stream('chargen', {
      args: { bytes: 512 * mib },
      body: Buffer.alloc(0),
    });
    await until('the windows are full', () => standsStill(() => request.bytesRead));
    let most = 0;
    for (let call = 0; call < 40; call += 1) {
      expect(await service.call('ping', undefined, { timeoutMs: 2_000 })).toMatchObject({ pong: true });
      most = Math.max(most, residentBytes(world.relay.pid) - before);
    }
    expect(most).toBeLessThan(64 * mib);
    body.destroy();
    const row = await until('the service has it on record', () =>
      world.rows().find((each) => each.rpc_name === 'chargen' && each.status !== 'RUNNING'),
    );
    expect(row.status).toBe('CANCELLED');
    expect(Number(row.bytes_written)).toBeLessThan(64 * mib);
  });

  it('gets all of it when it reads on', async () => {
    const service = await world.open();
    const { body } = await service.stream('chargen', { args: { bytes: 32 * mib }, body: Buffer.alloc(0) });
    await delay(200);
    let length = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) length += chunk.length;
    expect(length).toBe(32 * mib);
  });
});

/** True where `count` did not change for a moment. */
async function standsStill(count: () => number): Promise<boolean> {
  const before = count();
  await delay(200);
  return count() === before;
}

describe('a service that is killed in the middle of an answer', () => {
  it.each([true, false])('never leaves a short success (HTTP/2: %s)', async (useH2WhenAvailable) => {
    const service = await world.open({}, { useH2WhenAvailable });
    const bytes = 4096 * mib;
    const { body, request } = await service.stream('chargen', { args: { bytes }, body: Buffer.alloc(0) });
    const ended = new Promise<Error | null>((resolve) => {
      body.once('error', resolve);
      body.once('end', () => resolve(null));
    });
    body.resume();
    await until('it runs', () => request.bytesRead > 4 * mib);
    await world.service.end('SIGKILL');
    const error = await within(10_000, 'the end of the stream', ended);
    expect(error).toBeInstanceOf(GatehouseError);
    expect(error).toMatchObject({ code: expect.stringMatching(/^(truncated|session_ended)$/) });
    expect(request.status).toBe('INTERRUPTED');
    expect(request.bytesRead).toBeLessThan(bytes);
    await world.restartService();
  });
});

describe('while the request log cannot be written', () => {
  it('the service does no work and says log_unavailable, and goes on by itself afterwards', async () => {
    const service = await world.open();
    await service.call('ping');
    limitFiles('0:');
    try {
      const refused = async (): Promise<boolean> =>
        service.call('ping').then(
          () => false,
          (error: unknown) => error instanceof GatehouseError && error.code === 'log_unavailable',
        );
      expect(await refused()).toBe(true);
      const { exitCode, json } = await world.call('ping');
      expect([exitCode, json]).toMatchObject([1, { error: { code: 'log_unavailable' } }]);
      const body = Readable.from([Buffer.from('must not come back')]);
      await expect(service.stream('echo', { body })).rejects.toMatchObject({ code: 'log_unavailable' });
    } finally {
      limitFiles('unlimited:');
    }
    await until('it works again', () =>
      service.call('ping').then(
        () => true,
        () => false,
      ),
    );
    await until('what it answers is on record again', () => world.rows().at(-1)?.status === 'SUCCESS');
  });
});

/** The largest file that the running service may write, in bytes: what a full disk or a quota does to it. */
function limitFiles(size: string): void {
  execFileSync('prlimit', ['--pid', String(world.service.pid), `--fsize=${size}`]);
}
