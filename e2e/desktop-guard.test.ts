// What the desktop's page and whoever gets into it may not do: speak from elsewhere, leave the page's folder, go away,
// open windows, use permissions, reach Node. And what a person is told although the window is closed.
import type { Page } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callBridge, callLineOf, realElectron, runCallLine, setUp, startDesktop } from './desktop/desktop.ts';
import type { Desktop } from './desktop/desktop.ts';
import type { ForgedSender } from './desktop/stand-in/control.ts';
import { Home } from './support/home.ts';
import { until } from './support/waiting.ts';

const onStandIn = it.skipIf(realElectron !== null);

/** Of the right form, and known to nobody. */
const wrongToken = `gh_${'a'.repeat(12)}_${'B'.repeat(43)}`;

const home = new Home();
let desktop: Desktop;
let page: Page;
let line = '';
beforeAll(async () => {
  desktop = await startDesktop(home);
  page = desktop.page;
  await setUp(desktop);
  line = await callLineOf(page);
});
afterAll(async () => {
  await desktop.quit();
  await home.close();
});

function standIn(): NonNullable<Desktop['standIn']> {
  if (desktop.standIn === null) throw new Error('This spec is for the stand-in.');
  return desktop.standIn;
}

describe('the page', () => {
  it('has the bridge of the contract, and nothing of Node or Electron', async () => {
    const found = await page.evaluate(() => {
      const all = globalThis as unknown as Record<string, object>;
      return {
        bridge: Object.keys(all.gatehouse ?? {}).sort(),
        foreign: ['require', 'process', 'module', 'Buffer', 'ipcRenderer', 'electron'].filter(
          (name) => name in all,
        ),
      };
    });
    expect(found).toEqual({ bridge: ['call', 'cancel', 'onTopic', 'subscribe'], foreign: [] });
  });

  it('comes with the policy of the headless console', async () => {
    const policy = await page.evaluate(async () => (await fetch('/')).headers.get('content-security-policy'));
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe-');
  });

  it('runs no script that is not in its files', async () => {
    const ran = await page.evaluate(() => {
      const { document } = globalThis as unknown as {
        document: {
          createElement(name: string): { append(text: string): void };
          head: { append(child: object): void };
        };
      };
      const script = document.createElement('script');
      script.append('globalThis.ran = true');
      document.head.append(script);
      return (globalThis as unknown as { ran?: boolean }).ran ?? false;
    });
    expect(ran).toBe(false);
  });

  it('makes no HTML of a text, and no policy that would', async () => {
    const refused = await page.evaluate(() => {
      const { document, trustedTypes } = globalThis as unknown as {
        document: { body: { innerHTML: string } };
        trustedTypes: { createPolicy(name: string, rules: object): object };
      };
      const attempt = (what: () => unknown): string => {
        try {
          what();
          return 'done';
        } catch (error) {
          return (error as Error).name;
        }
      };
      return [
        attempt(() => (document.body.innerHTML = '<b>text</b>')),
        attempt(() => trustedTypes.createPolicy('another', {})),
        attempt(() => trustedTypes.createPolicy('svelte-trusted-html', {})),
      ];
    });
    expect(refused).toEqual(['TypeError', 'TypeError', 'TypeError']);
  });

  it.each([
    '/%2e%2e/preload.cjs',
    '/..%2fdesktop.mjs',
    '/..%5cdesktop.mjs',
    '/assets/%2e%2e/%2e%2e/gatehouse.mjs',
  ])('reads nothing outside its folder: %s', async (path) => {
    const status = await page.evaluate(async (url) => (await fetch(url)).status, path);
    expect(status).toBe(404);
  });

  it('goes nowhere else', async () => {
    await page.evaluate(() => {
      (globalThis as unknown as { location: { href: string } }).location.href = 'https://example.org/';
    });
    await until('the page answers', () => page.evaluate(() => true));
    expect(page.url()).toMatch(new RegExp(`^${desktop.pageUrl}`));
    if (desktop.standIn !== null)
      expect((await standIn().state()).refusedNavigations).toEqual(['https://example.org/']);
  });

  it('opens no window, and nothing outside that is not on the list', async () => {
    await page.evaluate(() => {
      (globalThis as unknown as { open(url: string): void }).open('https://example.org/');
    });
    if (desktop.standIn === null) return;
    await until('it is refused', async () => (await standIn().state()).opened.length > 0);
    const { opened, openedOutside } = await standIn().state();
    expect([opened.map(({ action }) => action), openedOutside]).toEqual([['deny'], []]);
  });

  onStandIn.each(['geolocation', 'media', 'notifications', 'clipboard-read', 'openExternal', 'fileSystem'])(
    'has no permission: %s',
    async (name) => {
      expect(await standIn().ask('permission', name)).toEqual({
        asked: false,
        checked: false,
        device: false,
      });
    },
  );

  it('is answered what is wrong with a call, never by a stack', async () => {
    expect(await callBridge(page, 'console.destroy')).toMatchObject({
      error: { code: 'console_call_unknown' },
    });
    const malformed = await callBridge(page, 'settings.set', { name: 'x', value: [] });
    expect(malformed).toMatchObject({ error: { code: 'console_call_malformed' } });
    expect(JSON.stringify(malformed)).not.toMatch(/\bat .*\.(m?js|ts):\d/);
  });
});

describe.skipIf(realElectron !== null)('IPC that is forged', () => {
  it('finds one channel', async () => {
    expect((await standIn().state()).channels).toEqual(['gatehouse']);
  });

  it('from the window itself would be answered', async () => {
    const message = { kind: 'call', id: 1, name: 'views.list', args: {} };
    expect(await standIn().ask('forge', 'gatehouse', message, {})).toEqual({ result: { views: [] } });
  });

  it.each<[string, ForgedSender]>([
    ['another window', { contents: 'other' }],
    ['a frame that is gone', { frame: 'none' }],
    ['a child frame', { frame: 'child' }],
    ['another main frame', { frame: 'other' }],
    ['another site', { origin: 'https://example.org' }],
    ['a host that begins like ours', { origin: 'app://gatehouse.example' }],
    ['an opaque origin', { origin: 'null' }],
  ])('from %s is refused and audited', async (_who, sender) => {
    const refusals = async (): Promise<number> => {
      const answer = await callBridge(page, 'audit.page', { filter: '', cursor: null, limit: 100 });
      return JSON.stringify(answer).split('origin_refused').length - 1;
    };
    const before = await refusals();
    const message = { kind: 'call', id: 2, name: 'console.lock', args: {} };
    await expect(standIn().ask('forge', 'gatehouse', message, sender)).rejects.toThrow(
      'does not come from the console',
    );
    await until('it is on record', async () => (await refusals()) > before);
  });
});

describe.skipIf(realElectron !== null)('a notification', () => {
  it('tells of a rejected access token while the window is closed', async () => {
    await desktop.closeWindow();
    const token = home.secret('wrong-token', `${wrongToken}\n`);
    const { exitCode } = await runCallLine(home, `${line} --access-token-file ${token}`);
    expect(exitCode).not.toBe(0);
    await until('it is shown', async () => (await standIn().state()).notifications.length > 0);
    const [shown] = (await standIn().state()).notifications;
    expect(shown?.title).toBe('Access token rejected');
    expect(shown?.body).toContain('access_token_rejected');
    expect(JSON.stringify(shown)).not.toContain(wrongToken);
  });

  it('tells of a client that complains of the fingerprint', async () => {
    const other = line.replace(/--fingerprint [0-9a-f]{64}/, `--fingerprint ${'ab'.repeat(32)}`);
    expect((await runCallLine(home, other)).exitCode).toBe(3);
    const complaint = async () => {
      const { notifications } = await standIn().state();
      return notifications.find(({ title }) => title === 'A client complains about the fingerprint');
    };
    const shown = await until('it is shown', complaint);
    expect(shown.body).toContain('fingerprint_mismatch');
  });
});

describe.skipIf(realElectron !== null)('the built-in relay', () => {
  it('is a process of its own, without secrets in its arguments, and is started again where it dies', async () => {
    const relays = () =>
      home.processes().filter(({ commandLine }) => commandLine.includes('built-in-relay.mjs'));
    const [relay] = relays();
    expect(relays()).toHaveLength(1);
    expect(relay?.pid).not.toBe(standIn().pid);
    process.kill(relay?.pid ?? 0, 'SIGKILL');
    await until('another one runs', () => relays().some(({ pid }) => pid !== relay?.pid));
    await until(
      'the service is reached again',
      async () => (await runCallLine(home, line)).exitCode === 0,
      30_000,
    );
  });
});
