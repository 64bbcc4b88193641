// A world with everything that device sessions need: provider, relay with an HTTP proxy in front of it, service with a
// published folder, and the example page from an origin of its own. All real but the proxy, which is honest until told.
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import type { Ran } from './home.ts';
import { HostileProxy } from './hostile-proxy.ts';
import { PageOrigin } from './page-origin.ts';
import { until } from './waiting.ts';
import { World } from './world.ts';

export interface Published {
  readonly name: string;
  readonly sha256: string;
}

export class DeviceWorld {
  readonly world: World;
  /** Of the relay's own provider for trials. */
  readonly issuer: string;
  readonly clientId: string;
  readonly proxy: HostileProxy;
  readonly page: PageOrigin;

  private constructor(world: World, proxy: HostileProxy, page: PageOrigin) {
    const { oidcIssuer, oidcClientId } = world.relay.events[0] ?? {};
    this.world = world;
    this.issuer = String(oidcIssuer);
    this.clientId = String(oidcClientId);
    this.proxy = proxy;
    this.page = page;
  }

  /** @param more arguments of `gatehouse service` */
  static async start(more: readonly string[] = []): Promise<DeviceWorld> {
    const page = await PageOrigin.start();
    const world = await World.start({
      relay: ['--trial-idp', '127.0.0.1:0', '--cors-origin', page.origin],
      service: more,
    });
    const proxy = await HostileProxy.start(world.relayUrl);
    const devices = new DeviceWorld(world, proxy, page);
    const { issuer, clientId } = devices;
    page.config = { relay: proxy.url, serviceId: world.serviceId, issuer, clientId };
    const audience = String(world.relay.events[0]?.oidcAudience);
    await world.admin('settings', 'set', 'service.oidc.audience', audience);
    await world.admin('settings', 'set', 'service.oidc.issuer', issuer);
    mkdirSync(world.home.path('published'));
    await world.admin('collection', 'add', 'Plans', world.home.path('published'));
    return devices;
  }

  /** A document of `length` random bytes in the collection “Plans”. */
  publish(name: string, length: number): Published {
    const content = randomBytes(length);
    writeFileSync(this.world.home.path('published', name), content);
    return { name, sha256: createHash('sha256').update(content).digest('hex') };
  }

  /** `gatehouse login` as a person does it, in the browser that `page` is of. */
  async logIn(page: Page, user: string, relay = this.proxy.url): Promise<void> {
    const { home } = this.world;
    const program = home.spawn(
      'login',
      '--relay',
      relay,
      '--issuer',
      this.issuer,
      '--client-id',
      this.clientId,
      '--json',
    );
    const { url } = await program.event('browser');
    await page.goto(String(url));
    await signIn(page, user);
    await program.event('signed_in');
    await program.exit();
  }

  /** `gatehouse device … --json`. */
  device(...args: readonly string[]): Promise<Ran> {
    return this.world.home.run('device', ...args, '--json');
  }

  /** Why this device's call is refused; undefined where it is answered. */
  async refusalOf(name: string): Promise<string | undefined> {
    return ((await this.device('call', name, 'ping')).json.error as { code?: string } | undefined)?.code;
  }

  /** `gatehouse device register`, given `stdin` where that is to be a registration code. */
  register(name: string, stdin?: string): Promise<Ran> {
    const { home, serviceId } = this.world;
    const code = stdin === undefined ? [] : ['--code-stdin'];
    const place = ['--relay', this.proxy.url, '--service', serviceId];
    return home.runWith(stdin, 'device', 'register', name, ...place, ...code, '--json');
  }

  /** Registers a device from the command line and confirms it as the administrator does; resolves once it may sign in. */
  async registered(name: string): Promise<Record<string, string>> {
    const ran = await this.register(name);
    if (ran.exitCode !== 0) throw new Error(`device register failed: ${ran.stdout}${ran.stderr}`);
    const facts = ran.json as Record<string, string>;
    await this.confirm(facts.deviceFingerprint ?? '');
    await until('the device is let in', async () => (await this.device('call', name, 'ping')).exitCode === 0);
    return facts;
  }

  async confirm(fingerprint: string): Promise<void> {
    await this.world.admin('device', 'confirm', fingerprint);
  }

  async close(): Promise<void> {
    await this.page.close();
    await this.proxy.close();
    await this.world.close();
  }
}

/** On the provider's own pages: signs in where it asks who this is, and consents; resolves once the browser is back. */
export async function signIn(page: Page, user: string, back = /\/callback/): Promise<void> {
  const submit = page.locator('button[type=submit]');
  for (let step = 0; step < 4; step += 1) {
    await Promise.race([page.waitForURL(back), submit.waitFor()]);
    if (back.test(page.url())) return;
    const login = page.locator('input[name=login]');
    if (await login.isVisible()) {
      await login.fill(user);
      await page.fill('input[name=password]', 'any');
    }
    const before = page.url();
    await submit.click();
    await page.waitForURL((url) => url.href !== before);
  }
}
