// Device sessions from the command line, as a field engineer or a script uses them: sign in with OIDC, register, compare,
// be confirmed, call, download and resume, be revoked. Real processes, a real provider, a real browser to sign in with.
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from '@playwright/test';
import { ConsoleBrowser } from './support/browser.ts';
import { DeviceWorld } from './support/device-world.ts';
import { filesBelow } from './support/files.ts';
import { builtProgram } from './support/home.ts';
import { until } from './support/waiting.ts';

let devices: DeviceWorld;
let browser: ConsoleBrowser;
let page: Page;
beforeAll(async () => {
  [devices, browser] = await Promise.all([DeviceWorld.start(), ConsoleBrowser.open()]);
  page = await (await browser.person()).newPage();
});
afterAll(async () => {
  await browser.close();
  await devices.close();
});

/** What lies in the client's folder. */
function kept(name: RegExp): string {
  const { home } = devices.world;
  return filesBelow(home.path('client'))
    .filter((file) => name.test(file.name))
    .map((file) => file.content.toString())
    .join();
}

describe('gatehouse login', () => {
  it('says what to do where nobody has signed in', async () => {
    const { exitCode, json } = await devices.device(
      'register',
      'laptop',
      '--relay',
      devices.proxy.url,
      '--service',
      devices.world.serviceId,
    );
    expect(exitCode).toBe(4);
    expect(json).toMatchObject({
      error: { code: 'oidc_login_failed', message: expect.stringContaining('gatehouse login') },
    });
  });

  it('opens the system’s browser, without a shell, where there is a display', async () => {
    const { home } = devices.world;
    const opened = home.path('opened');
    mkdirSync(home.path('bin'));
    writeFileSync(home.path('bin', 'xdg-open'), `#!/bin/sh\nprintf '%s' "$*" > '${opened}'\n`, {
      mode: 0o755,
    });
    const env = { DISPLAY: ':99', PATH: `${home.path('bin')}:${process.env.PATH ?? ''}` };
    const provider = ['--issuer', devices.issuer, '--client-id', devices.clientId];
    const args = [builtProgram, 'login', '--relay', devices.proxy.url, ...provider, '--json'];
    const program = home.execute(process.execPath, args, { env });
    const { url } = await program.event('browser');
    await until('it is opened', () => existsSync(opened) && readFileSync(opened, 'utf8') === url);
    await program.end().catch(() => undefined);
  });

  it('signs in through the browser; tokens are in a 0600 file and in nothing that is printed', async () => {
    await devices.logIn(page, 'anna');
    expect(await page.textContent('h1')).toBe('You are signed in');
    const file = filesBelow(devices.world.home.path('client')).find(({ name }) =>
      name.startsWith('sign-in-'),
    );
    expect(file?.mode).toBe(0o600);
    const { tokens } = JSON.parse(file?.content.toString() ?? '{}') as { tokens: Record<string, string> };
    expect(devices.world.home.output).not.toContain(tokens.accessToken);
    expect(devices.world.home.output).not.toContain(tokens.refreshToken);
    expect(devices.world.home.output).toContain('"subject":"anna"');
  });

  it('is the credential of TLS clients too, where no relay token is given', async () => {
    const { serviceId, fingerprint, relayUrl, home } = devices.world;
    await devices.logIn(page, 'anna', relayUrl);
    const ran = await home.run(
      'call',
      serviceId,
      'ping',
      '--relay',
      relayUrl,
      '--fingerprint',
      fingerprint,
      '--json',
    );
    expect(ran).toMatchObject({ exitCode: 0, json: { request: { clientId: 'anna', status: 'SUCCESS' } } });
  });
});

describe('gatehouse device', () => {
  it('registers as pending, shows both fingerprints beside issuer and subject, and is let in once confirmed', async () => {
    const { proxy, world } = devices;
    const registered = await devices.device(
      'register',
      'laptop',
      '--relay',
      proxy.url,
      '--service',
      world.serviceId,
    );
    expect(registered).toMatchObject({
      exitCode: 0,
      json: { status: 'pending', issuer: devices.issuer, subject: 'anna', proved: false },
    });
    const { agentFingerprint, deviceFingerprint, agentWords } = registered.json as Record<string, string>;
    expect(agentWords).toHaveLength(24);
    const list = await world.admin('device', 'list');
    expect(list).toMatchObject({
      agentFingerprint,
      devices: [{ fingerprint: deviceFingerprint, status: 'pending' }],
    });
    expect(await devices.device('call', 'laptop', 'ping')).toMatchObject({
      exitCode: 4,
      json: { error: { code: 'device_pending' } },
    });
    await devices.confirm(deviceFingerprint ?? '');
    await until(
      'the device is let in',
      async () => (await devices.device('call', 'laptop', 'ping')).exitCode === 0,
    );
    const echoed = await devices.device('call', 'laptop', 'ping', '{"echo":"zwölf"}');
    expect(echoed.json).toMatchObject({ result: { pong: true, echo: 'zwölf' }, session: { requests: 1 } });
    expect(echoed.stderr).toContain('end-to-end encrypted');
    expect(await devices.device('fingerprint', 'laptop')).toMatchObject({
      json: { agentFingerprint, deviceFingerprint },
    });
  });

  it('keeps its key encrypted in a file of its owner alone, and overwrites none', async () => {
    const { proxy, world } = devices;
    const files = filesBelow(world.home.path('client')).filter(({ isFolder }) => !isFolder);
    expect(files.filter(({ mode }) => mode !== 0o600)).toEqual([]);
    expect(kept(/device-keys\.json$/)).not.toContain('anna');
    const again = await devices.device(
      'register',
      'laptop',
      '--relay',
      proxy.url,
      '--service',
      world.serviceId,
    );
    expect(again).toMatchObject({ exitCode: 1, json: { error: { code: 'device_exists' } } });
  });

  it('is confirmed at once by a one-time code, which comes on stdin and works once', async () => {
    const { world, proxy } = devices;
    const { code } = await world.admin('device', 'code');
    const register = (name: string) =>
      world.home.runWith(
        `${String(code)}\n`,
        'device',
        'register',
        name,
        '--relay',
        proxy.url,
        '--service',
        world.serviceId,
        '--code-stdin',
        '--json',
      );
    const first = await register('tablet');
    expect(first).toMatchObject({ exitCode: 0, json: { status: 'confirmed', proved: true } });
    expect((await devices.device('call', 'tablet', 'ping')).exitCode).toBe(0);
    expect(await register('thief')).toMatchObject({ json: { error: { code: 'registration_code_invalid' } } });
    const plain = String(code).replace(/[^0-9a-f]/g, '');
    expect(Buffer.concat(proxy.seen).toString('latin1')).not.toContain(plain);
  });

  it('downloads a document, and goes on where it broke off', async () => {
    const { world, proxy } = devices;
    const published = devices.publish('plan.bin', 3 * 1024 * 1024 + 17);
    const output = world.home.path('plan.bin');
    proxy.pullPlugAfter(1024 * 1024);
    const broken = await devices.device('download', 'laptop', 'Plans', 'plan.bin', '--output', output);
    expect(broken).toMatchObject({ exitCode: 6, json: { error: { code: 'relay_unreachable' } } });
    proxy.pullPlugAfter(null);
    const ran = await devices.device('download', 'laptop', 'Plans', 'plan.bin', '--output', output);
    expect(ran).toMatchObject({ exitCode: 0, json: { event: 'downloaded', version: published.sha256 } });
    expect(Number(ran.json.resumedFrom)).toBeGreaterThan(500_000);
    expect(createHash('sha256').update(readFileSync(output)).digest('hex')).toBe(published.sha256);
    expect(statSync(output).mode & 0o077).toBe(0);
    expect(proxy.paths.filter((path) => path.includes('/blobs/')).length).toBeGreaterThan(1);
  });

  it('resumes a download whose program was killed', async () => {
    const { world, proxy } = devices;
    const published = devices.publish('big.bin', 8 * 1024 * 1024);
    const output = world.home.path('big.bin');
    proxy.pullPlugAfter(1024 * 1024);
    const killed = world.home.spawn(
      'device',
      'download',
      'laptop',
      'Plans',
      'big.bin',
      '--output',
      output,
      '--json',
    );
    const part = (): number => {
      const name = readdirSync(world.home.folder).find((each) => each.startsWith('.big.bin'));
      return name === undefined ? 0 : statSync(world.home.path(name)).size;
    };
    await until('some of it has come', () => part() > 0, 30_000);
    killed.signal('SIGKILL');
    await killed.exit();
    proxy.pullPlugAfter(null);
    const ran = await devices.device('download', 'laptop', 'Plans', 'big.bin', '--output', output);
    expect(ran).toMatchObject({ exitCode: 0, json: { version: published.sha256 } });
    expect(Number(ran.json.resumedFrom)).toBeGreaterThan(0);
    expect(createHash('sha256').update(readFileSync(output)).digest('hex')).toBe(published.sha256);
  });

  it('is revoked', async () => {
    const { world } = devices;
    const { devices: list } = (await world.admin('device', 'list')) as {
      devices: { id: string; name: string }[];
    };
    await world.admin('device', 'revoke', list.find(({ name }) => name === 'laptop')?.id ?? '');
    await until(
      'the device is out',
      async () => (await devices.device('call', 'laptop', 'ping')).exitCode !== 0,
    );
    expect(await devices.device('call', 'laptop', 'ping')).toMatchObject({
      exitCode: 4,
      json: { error: { code: 'device_revoked' } },
    });
  });

  it('signs out: the tokens are gone here, and refused at the issuer', async () => {
    const ran = await devices.world.home.run('logout', '--relay', devices.proxy.url, '--json');
    expect(ran).toMatchObject({ exitCode: 0, json: { event: 'signed_out', subject: 'anna', revoked: true } });
    expect(await devices.device('call', 'tablet', 'ping')).toMatchObject({ exitCode: 4 });
  });
});
