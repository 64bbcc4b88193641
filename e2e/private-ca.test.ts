// A relay whose certificate an authority of its own has signed, at the command line: who is given that authority gets to the
// service, and who is given another one, or none, is told what to do. All real processes; openssl makes the certificates.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from '@playwright/test';
import { ConsoleBrowser } from './support/browser.ts';
import { signIn } from './support/device-world.ts';
import { Home } from './support/home.ts';
import type { Ran } from './support/home.ts';
import { Openssl } from './support/openssl.ts';
import { superadminPassword } from './support/world.ts';

let home: Home;
let openssl: Openssl;
let browser: ConsoleBrowser;
let relay: Record<string, string>;
let service: Record<string, string>;
let tokenFile: string;
beforeAll(async () => {
  home = new Home();
  openssl = new Openssl(home);
  for (const name of ['right', 'wrong']) openssl.make(name, 'p256');
  openssl.run('genpkey', '-out', 'relay.key', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256');
  const names = ['-addext', 'subjectAltName=DNS:localhost'];
  openssl.run('req', '-new', '-key', 'relay.key', '-out', 'relay.csr', '-subj', '/CN=localhost', ...names);
  const authority = ['-CA', 'right.pem', '-CAkey', 'right.key', '-CAcreateserial', '-days', '2'];
  const copied = ['-copy_extensions', 'copy', '-out', 'relay.pem'];
  openssl.run('x509', '-req', '-in', 'relay.csr', ...authority, ...copied);
  const folder = ['--data', home.path('relay')];
  const tls = ['--tls-cert', openssl.path('relay.pem'), '--tls-key', openssl.path('relay.key')];
  const listen = ['--listen', 'localhost:0', '--trial-idp', '127.0.0.1:0'];
  const started = home.spawn('relay', ...listen, ...folder, ...tls, '--json');
  relay = (await started.event('ready')) as Record<string, string>;
  relay.url = `wss://localhost:${new URL(relay.url ?? '').port}`;
  const { token } = await home.result('relay', 'enrolment-token', ...folder);
  const enrolment = home.secret('enrolment-token', `${String(token)}\n`);
  const minted = await home.result('relay', 'client-token', '--user', 'anna', ...folder);
  tokenFile = home.secret('client/relay-token', `${String(minted.token)}\n`);
  home.secret('password', `${superadminPassword}\n`);
  home.setUpService();
  const where = ['--relay', relay.url, '--relay-ca', openssl.path('right.pem')];
  const unlocked = ['--data', home.path('service'), '--password-file', home.path('password')];
  const serving = home.spawn('service', ...where, ...unlocked, '--enrolment-token-file', enrolment, '--json');
  service = (await serving.event('ready')) as Record<string, string>;
  browser = await ConsoleBrowser.open();
});
afterAll(async () => {
  await browser.close();
  await home.close();
});

const trust = (name: string): readonly string[] =>
  name === 'none' ? [] : ['--ca', openssl.path(`${name}.pem`)];
const advice = expect.stringMatching(
  /No certificate authority that is trusted here .* give its certificate with --ca/,
);
const untrusted = { error: { code: 'relay_unreachable', message: advice } };

describe('gatehouse call', () => {
  const call = (ca: string): Promise<Ran> => {
    const where = ['--relay', relay.url ?? '', '--relay-token-file', tokenFile, ...trust(ca)];
    const pinned = ['--fingerprint', service.fingerprint ?? ''];
    return home.run('call', service.serviceId ?? '', 'ping', ...where, ...pinned, '--json');
  };

  it('reaches the service where it is given the relay’s own authority', async () => {
    expect(await call('right')).toMatchObject({ exitCode: 0, json: { result: { pong: true } } });
  });

  it.each(['wrong', 'none'])('is told what to do where the authority is %s', async (ca) => {
    const { exitCode, json } = await call(ca);
    expect(exitCode).not.toBe(0);
    expect(json).toMatchObject(untrusted);
  });
});

describe('gatehouse device', () => {
  const register = (name: string, ca: string): Promise<Ran> => {
    const where = ['--relay', relay.url ?? '', '--service', service.serviceId ?? ''];
    return home.run('device', 'register', name, ...where, ...trust(ca), '--json');
  };
  let page: Page;
  beforeAll(async () => {
    const { oidcIssuer = '', oidcAudience = '', oidcClientId = '' } = relay;
    const settings = ['service', 'settings', 'set'];
    const data = ['--data', home.path('service')];
    await home.result(...settings, 'service.oidc.audience', oidcAudience, ...data);
    await home.result(...settings, 'service.oidc.issuer', oidcIssuer, ...data);
    page = await (await browser.person()).newPage();
    const where = ['--relay', relay.url ?? '', '--issuer', oidcIssuer, '--client-id', oidcClientId];
    const login = home.spawn('login', ...where, '--json');
    await page.goto(String((await login.event('browser')).url));
    await signIn(page, 'anna');
    await login.event('signed_in');
  });

  it.each(['wrong', 'none'])('is told what to do where the authority is %s', async (ca) => {
    const { exitCode, json } = await register('laptop', ca);
    expect(exitCode).not.toBe(0);
    expect(json).toMatchObject(untrusted);
  });

  it('registers where it is given the relay’s own authority', async () => {
    expect(await register('laptop', 'right')).toMatchObject({ exitCode: 0, json: { status: 'pending' } });
  });
});
