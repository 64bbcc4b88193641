// A relay that tampers with documents on their way to a device, and tokens of a key that was rotated out: each ends in its
// code at the command line, and no file is ever there that is not the whole document. Only the proxy is not the product.
import { createHash, generateKeyPairSync } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ConsoleBrowser } from './support/browser.ts';
import { DeviceWorld, signIn } from './support/device-world.ts';
import type { Published } from './support/device-world.ts';
import { filesBelow } from './support/files.ts';
import { turned, withBody } from './support/hostile-app.ts';
import type { Answer } from './support/hostile-proxy.ts';
import { until } from './support/waiting.ts';

/** Of a document of several chunks, and of the whole chunk on the wire, in bytes. */
const [length, chunk] = [300_000, 65_552];

let devices: DeviceWorld;
let browser: ConsoleBrowser;
let page: Page;
let one: Published;
let two: Published;
beforeAll(async () => {
  [devices, browser] = await Promise.all([DeviceWorld.start(), ConsoleBrowser.open()]);
  [one, two] = [devices.publish('one.bin', length), devices.publish('two.bin', length)];
  page = await (await browser.person()).newPage();
  await devices.logIn(page, 'anna');
  await devices.registered('laptop');
});
afterEach(() => {
  devices.proxy.tamper = null;
  devices.proxy.tamperBlobs = false;
});
afterAll(async () => {
  await browser.close();
  await devices.close();
});

const target = (): string => devices.world.home.path('got.bin');
const download = (name: string) => devices.device('download', 'laptop', 'Plans', name, '--output', target());
/** Files that a download may have left, finished or not. */
const left = (): string[] =>
  readdirSync(devices.world.home.folder).filter((name) => name.includes('got.bin'));
const codeIn = (json: Record<string, unknown>): unknown =>
  (json.error as { code?: unknown } | undefined)?.code;
/** Why a call of the device is refused; undefined where it is answered. */
const refusal = async (): Promise<unknown> => codeIn((await devices.device('call', 'laptop', 'ping')).json);

function tamperBlobs(change: (answer: Answer) => Answer): void {
  devices.proxy.tamperBlobs = true;
  devices.proxy.tamper = async (passing, forward) => {
    const answer = await forward();
    return passing.path.includes('/blobs/') ? change(answer) : answer;
  };
}

async function honestly(name: string, { sha256 }: Published): Promise<void> {
  devices.proxy.tamper = null;
  devices.proxy.tamperBlobs = false;
  expect((await download(name)).exitCode).toBe(0);
  expect(createHash('sha256').update(readFileSync(target())).digest('hex')).toBe(sha256);
  rmSync(target());
}

describe('a relay that', () => {
  it.each([
    ['turns a bit in the first chunk', (body: Buffer) => turned(body, 100)],
    ['turns a bit in the last tag', (body: Buffer) => turned(body, -1)],
    [
      'swaps two chunks',
      (body: Buffer) =>
        Buffer.concat([body.subarray(chunk, 2 * chunk), body.subarray(0, chunk), body.subarray(2 * chunk)]),
    ],
    ['empties the ciphertext of its content', (body: Buffer) => Buffer.alloc(body.length)],
  ])('%s leaves no file, and is found out', async (_name, change) => {
    tamperBlobs((answer) => withBody(answer, change(answer.body)));
    const { exitCode, json } = await download('one.bin');
    expect([exitCode === 0, codeIn(json)]).toEqual([false, 'blob_not_authentic']);
    expect(left()).toEqual([]);
    await honestly('one.bin', one);
  });

  it('gives one document’s ciphertext for another’s is found out, and leaves no file', async () => {
    const bodies: Buffer[] = [];
    tamperBlobs((answer) => {
      bodies.push(answer.body);
      return answer;
    });
    await download('two.bin');
    rmSync(target());
    tamperBlobs((answer) => withBody(answer, bodies[0] ?? Buffer.alloc(0)));
    const { json } = await download('one.bin');
    expect(codeIn(json)).toBe('blob_not_authentic');
    expect(left()).toEqual([]);
    await honestly('two.bin', two);
  });

  it('ends the ciphertext early leaves no file of that name, and what is kept is the start of the document', async () => {
    let asked = 0;
    tamperBlobs((answer) => {
      asked += 1;
      return withBody(answer, answer.body.subarray(0, asked === 1 ? 2 * chunk + 1000 : 1000));
    });
    const { exitCode, json } = await download('one.bin');
    expect([exitCode === 0, codeIn(json)]).toEqual([false, 'truncated']);
    expect(existsSync(target())).toBe(false);
    const document = readFileSync(devices.world.home.path('published', 'one.bin'));
    for (const name of left()) {
      const part = readFileSync(devices.world.home.path(name));
      expect(document.subarray(0, part.length).equals(part)).toBe(true);
    }
    await honestly('one.bin', one);
    expect(left()).toEqual([]);
  });

  it('ends it early each time, but never before another chunk, only makes it take longer', async () => {
    tamperBlobs((answer) => withBody(answer, answer.body.subarray(0, chunk + 1000)));
    const { json } = await download('two.bin');
    expect(json).toMatchObject({ event: 'downloaded', version: two.sha256 });
    rmSync(target());
  });
});

describe('a person without a browser on this machine', () => {
  it('signs in with a code that is entered in one elsewhere', async () => {
    const { home } = devices.world;
    const where = ['--issuer', devices.issuer, '--client-id', devices.clientId];
    const program = home.spawn('login', '--relay', devices.proxy.url, ...where, '--device-code', '--json');
    const code = await program.event('device_code');
    expect(program.events.some(({ event }) => event === 'browser')).toBe(false);
    await page.context().clearCookies();
    await page.goto(String(code.verificationUri));
    await page.fill('input[name=user_code]', String(code.userCode));
    await page.locator('[type=submit]').first().click();
    const confirm = page.locator('button[type=submit]');
    await confirm.first().click();
    await signIn(page, 'bertha', /\/device\//);
    expect(await program.event('signed_in')).toMatchObject({ subject: 'bertha', issuer: devices.issuer });
    expect((await program.exit()).code).toBe(0);
    await page.context().clearCookies();
    await devices.logIn(page, 'anna');
    expect(await refusal()).toBeUndefined();
  });
});

describe('a token whose key was rotated out', () => {
  it('is refused by the service, though the relay still takes it', async () => {
    const { data } = devices.world;
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'the-next-one', alg: 'ES256', use: 'sig' };
    const pinned = `${data}/oidc-jwks.json`;
    writeFileSync(pinned, JSON.stringify({ keys: [jwk] }), { mode: 0o600 });
    await until('the service refuses it', async () => (await refusal()) === 'oidc_token_rejected');
    const refused = devices.world.rows().filter((row) => row.rejection_code === 'oidc_token_rejected');
    expect(refused.length).toBeGreaterThan(0);
    rmSync(pinned);
    await until('the service takes it again', async () => (await refusal()) === undefined);
  });

  it('is refused by the relay, and never reaches the service', async () => {
    const { home, relay, relayUrl } = devices.world;
    const token = await freshToken();
    expect((await agentInfo(token)).status).toBe(200);
    await relay.end();
    rmSync(home.path('relay', 'trial-idp', 'keys.json'));
    const where = ['--listen', new URL(relayUrl).host, '--data', home.path('relay'), '--domain', 'PROD'];
    const trial = ['--trial-idp', new URL(devices.issuer).host];
    devices.world.relay = home.spawn('relay', ...where, ...trial, '--json');
    await devices.world.relay.event('ready');
    await devices.world.online();
    const before = devices.world.rows().length;
    const refused = await agentInfo(token);
    expect(expiryOf(token)).toBeGreaterThan(Date.now());
    expect([refused.status, await refused.json()]).toMatchObject([401, { code: 'oidc_token_rejected' }]);
    expect(devices.world.rows()).toHaveLength(before);
  });
});

/** The access token of a sign-in of this moment. */
async function freshToken(): Promise<string> {
  await page.context().clearCookies();
  await devices.logIn(page, 'anna');
  const files = filesBelow(devices.world.home.path('client'));
  const kept = files.find(({ name }) => name.startsWith('sign-in-'))?.content.toString() ?? '{}';
  return (JSON.parse(kept) as { tokens: { accessToken: string } }).tokens.accessToken;
}

/** In milliseconds since the epoch. */
function expiryOf(token: string): number {
  const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  return (JSON.parse(claims) as { exp: number }).exp * 1000;
}

function agentInfo(token: string): Promise<Response> {
  const { relayUrl, serviceId } = devices.world;
  const path = `/s/${serviceId}/api/sessions/agentinfo?api-version=1.0`;
  const headers = { authorization: `Bearer ${token}` };
  return fetch(new URL(path, relayUrl.replace(/^ws/, 'http')), { headers });
}
