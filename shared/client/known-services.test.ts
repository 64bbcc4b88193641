// A service that was once seen with E2EE never gets plaintext, from this process or a later one.
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Capabilities } from '../contracts/capabilities.ts';
import type { Script } from '../testing/script.ts';
import { scriptedServiceId as id } from '../testing/scripted-service.ts';
import { codeOf, inWorld } from '../testing/scripted-world.ts';
import type { LoginOptions } from './index.ts';

const unavailable: Partial<Capabilities['e2ee']> = { available: false, required: false };

describe('a service that was seen with E2EE', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-known-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const claimsNone: Script = { capabilities: unavailable };

  it('gets no plaintext from the same client, whatever the relay says', async () => {
    let isLying = false;
    const tamperOutside = (honest: Capabilities): unknown =>
      isLying ? { ...honest, e2ee: { ...honest.e2ee, available: false } } : honest;
    await inWorld({ tamperOutside }, {}, async ({ peer, client, warnings }) => {
      const service = await client.serviceCloud(id);
      isLying = true;
      expect(await codeOf(client.serviceCloud(id))).toBe('downgrade_detected');
      expect(await codeOf(service.reload())).toBe('downgrade_detected');
      expect(warnings).toEqual([]);
      expect(peer.seen.http.join()).not.toContain('ping');
    });
  });

  it('gets none from a later process with the same state folder', async () => {
    const options: Partial<LoginOptions> = { stateFolder: join(folder, 'state') };
    await inWorld({}, options, async ({ client }) => {
      await client.serviceCloud(id);
    });
    const file = join(folder, 'state', 'seen-with-e2ee', `${id}.json`);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await inWorld(claimsNone, options, async ({ client, warnings }) => {
      expect(await codeOf(client.serviceCloud(id))).toBe('downgrade_detected');
      expect(warnings).toEqual([]);
    });
    await inWorld(claimsNone, {}, async ({ client }) => {
      expect(await codeOf(client.serviceCloud(id))).toBe('resolved');
    });
  });

  it('with "never" is still asked for capabilities, and sent nothing else', async () => {
    const options: Partial<LoginOptions> = { stateFolder: join(folder, 'never') };
    await inWorld({}, options, async ({ client }) => {
      await client.serviceCloud(id);
    });
    for (const [script, code] of [
      [{}, 'e2ee_required'],
      [claimsNone, 'downgrade_detected'],
    ] as const) {
      await inWorld(script, { ...options, useE2eeDefault: 'never' }, async ({ peer, client }) => {
        const service = await client.serviceCloud(id);
        expect(await codeOf(service.call('ping'))).toBe(code);
        expect(await codeOf(service.call('capabilities'))).toBe('resolved');
        expect(peer.seen.streams).toHaveLength(2);
      });
    }
  });

  it('is remembered even where the folder cannot be written, and a warning says for how long', async () => {
    await inWorld(
      {},
      { stateFolder: join(import.meta.filename, 'below-a-file') },
      async ({ client, warnings }) => {
        await client.serviceCloud(id);
        expect(warnings[0]).toMatch(/will be forgotten/);
      },
    );
  });
});
