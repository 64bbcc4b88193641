// The parts of the desktop that need no Electron: which paths and links are taken, where a window may be put, what an
// autostart entry says, which notices are shown, what is kept in the key vault.
import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SafeStorage, WebContents } from 'electron';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { openKeyVault } from './key-vault.ts';
import { autostartEntry, autostartItem } from './login-item.ts';
import { applicationMenu, trayMenu } from './menus.ts';
import { noticeTeller } from './notices.ts';
import { answerPage, pathOf } from './page-files.ts';
import { textsFor } from './texts.ts';
import { assertPreferences, isExternalPage, securePreferences } from './window-guard.ts';
import { isUsable } from './window-state.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-desktop-'));
  await mkdir(join(folder, 'page', 'assets'), { recursive: true });
  await writeFile(join(folder, 'page', 'index.html'), '<!doctype html>');
  await writeFile(join(folder, 'page', 'assets', 'a.js'), 'export {}');
  await writeFile(join(folder, 'page', 'assets', 'a.js.map'), '{}');
  await writeFile(join(folder, 'secret.js'), 'secret');
  await symlink(join(folder, 'secret.js'), join(folder, 'page', 'link.js'));
});
afterAll(() => rm(folder, { recursive: true }));

const unknownExport = () => Promise.reject(new GatehouseError('export_unknown', 'There is no such export.'));

/** With the address as it is written: Request would resolve the dots itself. */
function requestOf(url: string): Request {
  return Object.defineProperty(new Request('app://gatehouse/'), 'url', { value: url });
}

function get(url: string, method = 'GET'): Promise<Response> {
  return answerPage(new Request(url, { method }), {
    folder: join(folder, 'page'),
    openExport: unknownExport,
  });
}

describe('app://', () => {
  it.each([
    ['app://gatehouse/', 'text/html; charset=utf-8'],
    ['app://gatehouse/index.html?a=1#b', 'text/html; charset=utf-8'],
    ['app://gatehouse/assets/a.js', 'text/javascript; charset=utf-8'],
  ])('serves %s with the page headers', async (url, type) => {
    const { status, headers } = await get(url);
    expect([status, headers.get('content-type')]).toEqual([200, type]);
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(headers.get('content-security-policy')).not.toContain('unsafe-');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  it.each([
    'app://gatehouse/%2e%2e/secret.js',
    'app://gatehouse/assets/%2E%2E/%2E%2E/secret.js',
    'app://gatehouse/..%2fsecret.js',
    'app://gatehouse/..%5csecret.js',
    'app://gatehouse/assets/..%2f..%2fsecret.js',
    'app://gatehouse/%00index.html',
    'app://gatehouse/%',
    'app://gatehouse//etc/passwd',
    'app://gatehouse/link.js',
    'app://gatehouse/assets/a.js.map',
    'app://gatehouse/assets',
    'app://other/index.html',
    'app://gatehouse.example/index.html',
    'app://gatehouse@other/index.html',
    'app://gatehouse/exports/unknown',
  ])('answers %s with 404', async (url) => {
    const response = await answerPage(requestOf(url), {
      folder: join(folder, 'page'),
      openExport: unknownExport,
    });
    expect(response.status).toBe(404);
    expect(await response.text()).not.toContain('secret');
  });

  it('takes no dots, encoded or not, before a file is looked for', () => {
    expect(pathOf('app://gatehouse/a/../b.js')).toBeNull();
    expect(pathOf('app://gatehouse/a/%2e/b.js')).toBeNull();
    expect(pathOf('app://gatehouse/a..b/c.js')).toBe('/a..b/c.js');
  });

  it('answers GET alone', async () => {
    expect((await get('app://gatehouse/', 'POST')).status).toBe(405);
  });

  it('streams an export once it is opened, as a download that nobody keeps', async () => {
    async function* chunks() {
      yield new TextEncoder().encode('one\n');
      yield new TextEncoder().encode('two\n');
    }
    const opened = {
      fileName: 'a b.csv',
      contentType: 'text/csv',
      chunks: chunks(),
      cancel: () => undefined,
    };
    const response = await answerPage(new Request('app://gatehouse/exports/1'), {
      folder,
      openExport: (id) => (id === '1' ? Promise.resolve(opened) : unknownExport()),
    });
    expect(response.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''a%20b.csv");
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.text()).toBe('one\ntwo\n');
  });
});

describe('links to the outside', () => {
  it.each([
    ['https://www.rfc-editor.org/rfc/rfc8446', true],
    ['https://www.rfc-editor.org.example/rfc/', false],
    ['https://www.rfc-editor.org@example.org/rfc/', false],
    ['https://user:pass@www.rfc-editor.org/rfc/', false],
    ['https://www.rfc-editor.org/rfc/../about', false],
    ['http://www.rfc-editor.org/rfc/rfc8446', false],
    ['file:///etc/passwd', false],
    ['javascript:alert(1)', false],
    ['', false],
  ])('%s: %s', (url, expected) => {
    expect(isExternalPage(url)).toBe(expected);
  });
});

describe('the preferences of the window', () => {
  const contents = (preferences: object | null): WebContents =>
    ({ getLastWebPreferences: () => preferences }) as object as WebContents;

  it('are taken as they should be', () => {
    expect(() => assertPreferences(contents({ ...securePreferences }))).not.toThrow();
  });

  it.each([
    { sandbox: false },
    { contextIsolation: false },
    { nodeIntegration: true },
    { webSecurity: false },
    { webviewTag: true },
  ])('stop the app where one is another: %j', (other) => {
    expect(() => assertPreferences(contents({ ...securePreferences, ...other }))).toThrow(
      /The window runs with/,
    );
    expect(() => assertPreferences(contents(null))).toThrow(/The window runs with/);
  });
});

describe('the place of the window', () => {
  const left = { x: 0, y: 25, width: 1920, height: 1055 };
  const right = { x: 1920, y: 0, width: 1280, height: 1024 };
  it.each([
    ['on the first display', { x: 10, y: 30, width: 1000, height: 700 }, true],
    ['across two', { x: 1500, y: 30, width: 1000, height: 700 }, true],
    ['beside all of them', { x: 5000, y: 30, width: 1000, height: 700 }, false],
    ['with its title above the edge', { x: 10, y: -50, width: 1000, height: 700 }, false],
    ['below the edge', { x: 10, y: 1070, width: 1000, height: 700 }, false],
    ['with a sliver to hold', { x: -950, y: 30, width: 1000, height: 700 }, false],
    ['too small', { x: 10, y: 30, width: 200, height: 100 }, false],
  ])('%s: usable %s', (_where, bounds, expected) => {
    expect(isUsable(bounds, [left, right])).toBe(expected);
  });
});

describe('the autostart entry', () => {
  it.each([
    [['/opt/Gatehouse/gatehouse-desktop'], '/opt/Gatehouse/gatehouse-desktop --background'],
    [['/opt/my app/x'], '"/opt/my app/x" --background'],
    [['/opt/a"b'], String.raw`"/opt/a\\"b" --background`],
    [['/opt/$HOME'], String.raw`"/opt/\\$HOME" --background`],
    [['/opt/100%'], '"/opt/100%%" --background'],
    [['/opt/a\\b'], String.raw`"/opt/a\\\\b" --background`],
  ] as const)('starts %j as %s', (command, exec) => {
    expect(autostartEntry(command as readonly [string])).toContain(`\nExec=${exec}\n`);
  });

  it('is there while it is on', async () => {
    const item = autostartItem(join(folder, 'config'), ['/opt/x']);
    expect(item.isOn()).toBe(false);
    await item.set(true);
    expect(item.isOn()).toBe(true);
    await item.set(false);
    await item.set(false);
    expect(item.isOn()).toBe(false);
  });
});

describe('notices', () => {
  it('are shown once a kind in 30 s, in the language of the person, with a name made harmless', () => {
    const shown: string[] = [];
    let now = 0;
    const tell = noticeTeller(
      textsFor('de-AT'),
      (title, body) => shown.push(`${title}: ${body}`),
      () => now,
    );
    const rejected = { kind: 'token_rejected', code: 'access_token_rejected' } as const;
    tell({ ...rejected, clientId: 'an\nna\u202e' });
    tell({ ...rejected, clientId: 'anna' });
    tell({ kind: 'fingerprint_complaint', code: 'fingerprint_mismatch', clientId: 'b'.repeat(999) });
    now = 30_000;
    tell({ ...rejected, clientId: 'anna' });
    expect(shown).toEqual([
      'Zugriffstoken abgelehnt: an na  (laut Relay): access_token_rejected',
      `Ein Client beanstandet den Fingerabdruck: ${'b'.repeat(64)} (laut Relay): fingerprint_mismatch`,
      'Zugriffstoken abgelehnt: anna (laut Relay): access_token_rejected',
    ]);
  });
});

describe('the menus', () => {
  const nothing = () => undefined;
  const actions = { open: nothing, retry: nothing, lock: nothing, quit: nothing, openAtLogin: nothing };

  it.each([
    ['first_run', false],
    ['locked', false],
    ['starting', false],
    ['failed', false],
    ['connecting', true],
    ['online', true],
    ['offline', true],
  ] as const)('offer to reconnect and to lock where a service runs: %s, %s', (state, offered) => {
    const items = trayMenu({ state, opensAtLogin: false }, textsFor('en'), actions);
    const enabled = (id: string) => items.find((item) => item.id === id)?.enabled;
    expect([enabled('state'), enabled('retry'), enabled('lock')]).toEqual([false, offered, offered]);
  });

  it('have a label for everything, in both languages, and none in common but names', () => {
    const labels = (locale: string): string[] =>
      applicationMenu(textsFor(locale), actions, 'linux').flatMap((menu) => {
        const items = Array.isArray(menu.submenu) ? menu.submenu : [];
        return items.filter(({ type }) => type !== 'separator').map(({ label }) => label ?? '');
      });
    expect(labels('en')).not.toContain('');
    expect(labels('en').filter((label) => labels('de').includes(label))).toEqual([]);
  });
});

describe('the key vault', () => {
  const texts = textsFor('en');
  const storage = (parts: Partial<SafeStorage>): SafeStorage =>
    ({
      getSelectedStorageBackend: () => 'gnome_libsecret',
      isAsyncEncryptionAvailable: async () => true,
      encryptStringAsync: async (text: string) => Buffer.from(text).map((byte) => byte ^ 255),
      decryptStringAsync: async (bytes: Buffer) => ({ result: bytes.map((byte) => byte ^ 255).toString() }),
      ...parts,
    }) as object as SafeStorage;

  it.each<[string, NodeJS.Platform, Partial<SafeStorage>]>([
    ['basic_text on Linux', 'linux', { getSelectedStorageBackend: () => 'basic_text' }],
    ['an unknown store on Linux', 'linux', { getSelectedStorageBackend: () => 'unknown' }],
    ['no encryption', 'win32', { isAsyncEncryptionAvailable: async () => false }],
    [
      'a store that fails',
      'darwin',
      { isAsyncEncryptionAvailable: () => Promise.reject(new Error('locked')) },
    ],
  ])('keeps nothing with %s, and says why', async (_what, platform, parts) => {
    const vault = await openKeyVault(storage(parts), folder, platform, texts);
    expect(vault.availability()).toEqual({
      available: false,
      reason: expect.stringMatching(/kept safely\.$/),
    });
    await vault.remember('geheim');
    expect(await vault.recall()).toBeNull();
    await expect(stat(join(folder, 'remembered-password'))).rejects.toThrow('ENOENT');
  });

  it('keeps the password sealed in a file of mode 0600 until it is forgotten', async () => {
    const vault = await openKeyVault(storage({}), folder, 'linux', texts);
    const told: boolean[] = [];
    vault.onChange(() => told.push(vault.holds()));
    await vault.remember('geheim');
    expect((await stat(join(folder, 'remembered-password'))).mode & 0o777).toBe(0o600);
    expect(await vault.recall()).toBe('geheim');
    const emptied = storage({ decryptStringAsync: () => Promise.reject(new Error('no key')) });
    expect(await (await openKeyVault(emptied, folder, 'linux', texts)).recall()).toBeNull();
    expect((await openKeyVault(emptied, folder, 'linux', texts)).holds()).toBe(true);
    await vault.forget();
    expect(await vault.recall()).toBeNull();
    expect(told).toEqual([true, false]);
  });
});
