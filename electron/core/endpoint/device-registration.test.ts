// Registration through a hostile relay: no device gets in without the administrator, or a code that is good once; what the
// relay swaps, strips or repeats is refused.
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { newIdentity } from '../../../shared/device/identity.ts';
import { MemoryWire } from '../../../shared/testing/memory-wire.ts';
import { TestIssuer } from '../../../shared/testing/oidc-issuer.ts';
import { DeviceFiles } from '../devices/device-files.ts';
import { RequestJournal } from '../devices/request-journal.ts';
import { SampleApp } from './device-app-samples.ts';
import { codeOf, DeviceWorld, rejections } from './device-samples.ts';
import type { DeviceWorldOptions } from './device-samples.ts';

let issuer: TestIssuer;
let world: DeviceWorld;

beforeEach(async () => {
  issuer = await TestIssuer.start();
  world = await DeviceWorld.open({ issuer, makeWire });
});

afterEach(async () => {
  await world.close();
  await issuer.stop();
});

const makeWire: DeviceWorldOptions['makeWire'] = (onStream) => {
  const wire = new MemoryWire({ onStream });
  const timer = setInterval(() => wire.settle(), 1);
  return { open: () => wire.dialler.session.open(), close: () => clearInterval(timer) };
};

const json = (answer: { body: Buffer }): unknown => JSON.parse(answer.body.toString('utf8'));

describe('a start', () => {
  it('that is under way when its device is revoked gives no session', async () => {
    const app = await SampleApp.confirmed(world);
    const { registry, sessions } = world.devices;
    const { begin } = RequestJournal.prototype;
    // The last that a start waits for: the file of the device says revoked before it goes on.
    const spy = vi.spyOn(RequestJournal.prototype, 'begin');
    onTestFinished(() => spy.mockRestore());
    spy.mockImplementation(async function (this: RequestJournal, ...args) {
      const earlier = await begin.apply(this, args);
      await registry.revoke(app.deviceId);
      return earlier;
    });
    await expect(app.start()).rejects.toThrow('device_revoked');
    expect(sessions.live).toBe(0);
  });
});

describe('a registration', () => {
  it('waits until the administrator has compared the fingerprint', async () => {
    const app = await SampleApp.make(world);
    const told: string[] = [];
    world.devices.registry.onChange((ids) => told.push(...ids));
    expect(json(await app.register())).toEqual({ status: 'pending' });
    expect(told).toEqual([app.deviceId]);
    await expect(app.start()).rejects.toThrow('device_pending');
    const { administration } = world.devices;
    const other = '0'.repeat(64);
    await expect(administration.confirm(app.deviceId, other)).rejects.toMatchObject({
      code: 'fingerprint_mismatch',
    });
    await expect(app.start()).rejects.toThrow('device_pending');
    expect(rejections(world)).toEqual(['device_pending', 'device_pending']);
    await administration.confirm(app.deviceId, app.identity.fingerprint);
    await app.start();
    expect(administration.view().devices).toMatchObject([
      {
        status: 'confirmed',
        confirmedBy: 'administrator',
        subject: 'anna',
        issuer: issuer.url,
        name: 'Phone',
      },
    ]);
  });

  it('that comes again is the same, and tells nobody twice', async () => {
    const app = await SampleApp.make(world);
    const told: string[] = [];
    world.devices.registry.onChange((ids) => told.push(...ids));
    await app.register();
    expect(json(await app.register())).toEqual({ status: 'pending' });
    expect(told).toHaveLength(1);
    await world.devices.administration.confirm(app.deviceId, app.identity.fingerprint);
    expect(codeOf(await app.register())).toBe('device_exists');
  });

  it('of the same key by another user is another device: nobody can take a key that is not theirs', async () => {
    const app = await SampleApp.make(world);
    const thief = await SampleApp.make(world, 'mallory', app.identity);
    await thief.register();
    await world.devices.administration.confirm(thief.deviceId, app.identity.fingerprint);
    expect(json(await app.register())).toEqual({ status: 'pending' });
    expect(app.deviceId).not.toBe(thief.deviceId);
    await expect(app.start()).rejects.toThrow('device_pending');
  });

  it('is refused where the fingerprint is not the key’s, the key is none, or the body is no registration', async () => {
    const app = await SampleApp.make(world);
    const other = await newIdentity();
    const { x } = app.identity.jwk;
    const cases: [object, string][] = [
      [{ PublicKey: other.jwk }, 'device_key_invalid'],
      [{ DeviceFingerprint: other.fingerprint }, 'device_key_invalid'],
      [{ PublicKey: { ...app.identity.jwk, y: x } }, 'device_key_invalid'],
      [{ PublicKey: { ...app.identity.jwk, crv: 'P-384' } }, 'body_malformed'],
      [{ Device: '' }, 'body_malformed'],
      [{ Device: 'two\nlines' }, 'body_malformed'],
      [{ Device: 'right\u202eleft' }, 'body_malformed'],
      [{ Device: 'x'.repeat(129) }, 'body_malformed'],
      [{ DeviceFingerprint: 'AA' }, 'body_malformed'],
    ];
    for (const [more, code] of cases) expect(codeOf(await app.register(undefined, more))).toBe(code);
    const frame = { operation: 'register', token: app.token };
    expect(codeOf(await world.call(frame, Buffer.from('{')))).toBe('body_malformed');
    expect(codeOf(await world.call(frame, Buffer.alloc(9000, 'x')))).toBe('body_too_large');
    expect(world.devices.registry.all()).toEqual([]);
    expect(world.log.rejected).toHaveLength(cases.length + 2);
  });

  it('beyond the cap on pending ones is refused, of one user and in all', async () => {
    const codes: string[] = [];
    for (let at = 0; at < 6; at += 1) codes.push(codeOf(await (await SampleApp.make(world)).register()));
    expect(codes).toEqual([...Array<string>(5).fill('status 200'), 'device_limit']);
    expect(codeOf(await (await SampleApp.make(world, 'bert')).register())).toBe('status 200');
    const [first] = world.devices.registry.all();
    await world.devices.administration.refuse(first!.id);
    expect(codeOf(await (await SampleApp.make(world)).register())).toBe('status 200');
  });
});

describe('a registration code', () => {
  it('confirms both sides at once, and is good once', async () => {
    const { code } = await world.devices.administration.createCode();
    const app = await SampleApp.make(world);
    const answer = await app.register(code);
    expect(json(answer)).toEqual({ status: 'confirmed', proof: await app.proof('agent', code) });
    await app.start();
    expect(world.devices.administration.view()).toMatchObject({
      devices: [{ status: 'confirmed', confirmedBy: 'code' }],
      codes: [],
    });
    // A lost answer is given again to the same device, and to it alone.
    expect(json(await app.register(code))).toEqual(json(answer));
    const other = await SampleApp.make(world, 'bert');
    expect(codeOf(await other.register(code))).toBe('registration_code_invalid');
    expect(other.deviceId).toBe('');
  });

  it('is good once, also for two devices at the same time', async () => {
    const { code } = await world.devices.administration.createCode();
    const apps = await Promise.all(['anna', 'bert', 'carl'].map((name) => SampleApp.make(world, name)));
    const codes = (await Promise.all(apps.map((app) => app.register(code)))).map(codeOf);
    expect(codes.sort()).toEqual(['registration_code_invalid', 'registration_code_invalid', 'status 200']);
  });

  it('does not let the relay put another key, or another user, in between', async () => {
    const { code } = await world.devices.administration.createCode();
    const app = await SampleApp.make(world);
    const relay = await SampleApp.make(world);
    const { fingerprint, jwk } = relay.identity;
    const swapped = await app.register(code, { DeviceFingerprint: fingerprint, PublicKey: jwk });
    expect(codeOf(swapped)).toBe('registration_code_invalid');
    const mallory = await SampleApp.make(world, 'mallory', app.identity);
    const Proof = await app.proof('device', code);
    expect(codeOf(await mallory.register(undefined, { Proof }))).toBe('registration_code_invalid');
    const ownAnswer = { Proof: await app.proof('agent', code) };
    expect(codeOf(await app.register(undefined, ownAnswer))).toBe('registration_code_invalid');
    expect(world.devices.registry.all()).toEqual([]);
    expect(codeOf(await app.register(code))).toBe('status 200');
  });

  it('cannot be guessed, is not told again, and can be cancelled', async () => {
    const { administration, registry } = world.devices;
    const { id, code } = await administration.createCode();
    expect(code.replaceAll('-', '')).toMatch(/^[0-9a-f]{32}$/);
    expect(JSON.stringify(administration.view())).not.toContain(code.slice(0, 9));
    const app = await SampleApp.make(world);
    expect(codeOf(await app.register('0'.repeat(32)))).toBe('registration_code_invalid');
    await administration.cancelCode(id);
    expect(codeOf(await app.register(code))).toBe('registration_code_invalid');
    expect(registry.openCodes()).toEqual([]);
  });
});

describe('what another process does to the folder', () => {
  it('counts within a second: confirming, and revoking, which ends the sessions', async () => {
    const files = new DeviceFiles(world.folder);
    const app = await SampleApp.make(world);
    await app.register();
    await files.confirm(app.deviceId, app.identity.fingerprint);
    await within(1_000, async () => app.start().then(Boolean, () => false));
    const session = await app.start();
    expect((await app.request(session, 'ping')).code).toBe('ok');
    await files.revoke(app.deviceId);
    await within(1_000, () => Promise.resolve(world.devices.sessions.live === 0));
    expect((await app.request(session, 'ping')).code).toBe('device_revoked');
  });
});

async function within(ms: number, holds: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`It did not come about within ${ms} ms.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
