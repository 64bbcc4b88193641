// build/ensure.mjs as npm scripts run it: what it installs and builds, when it does nothing, and what it says.
// Each test has a small checkout of its own; nothing here may touch this one's node_modules or out/.
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { importsOf } from './imports-of.ts';
import { SmallCheckout, bundler, lock, scripts } from './small-checkout.ts';

const dayMs = 24 * 60 * 60 * 1000;

let checkout: SmallCheckout;

beforeEach(() => {
  checkout = new SmallCheckout();
});

afterEach(() => checkout.remove());

async function install(): Promise<void> {
  expect(await checkout.ensure()).toMatchObject({ code: 0 });
  checkout.forget();
}

describe('on a fresh clone', () => {
  it('installs from the lock file, builds, and leaves stdout to the program that follows', async () => {
    const { code, stdout, stderr } = await checkout.ensure();
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toContain('installing the packages of package-lock.json');
    expect(checkout.calls()).toEqual([expect.stringMatching(/^npm ci --include=dev /), 'bundle']);
    expect(checkout.read('out/gatehouse.mjs')).toBe('first');
  });

  it('installs and builds once when two start at the same time', async () => {
    const runs = await Promise.all([checkout.ensure(), checkout.ensure(), checkout.ensure()]);
    expect(runs.map((run) => run.code)).toEqual([0, 0, 0]);
    expect(checkout.calls().map((call) => call.split(' ')[0])).toEqual(['npm', 'bundle']);
    expect(checkout.out()).toEqual(['.built', 'gatehouse.mjs']);
  });

  it('ends with the exit code of npm and says what to do when npm ci fails', async () => {
    checkout.npm('#!/bin/sh\nexit 7\n');
    const { code, stderr } = await checkout.ensure();
    expect(code).toBe(7);
    expect(stderr).toContain('npm ci failed (exit code 7)');
    expect(stderr).toContain('run the same command again');
  });

  it('says how to get the pinned Node when npm did not install it', async () => {
    checkout.npm(
      '#!/bin/sh\nmkdir -p node_modules && cp package-lock.json node_modules/.package-lock.json\n',
    );
    const { code, stderr } = await checkout.ensure();
    expect(code).toBe(1);
    expect(stderr).toContain('npm rebuild node --ignore-scripts=false');
  });

  it('does not build with --packages', async () => {
    expect((await checkout.ensure('--packages')).code).toBe(0);
    expect(existsSync(checkout.path('out/gatehouse.mjs'))).toBe(false);
  });
});

describe('with packages installed', () => {
  beforeEach(install);

  const changeLock = (path: string, entry: object): void =>
    checkout.write('package-lock.json', JSON.stringify({ packages: { ...lock.packages, [path]: entry } }));
  const changeInstalled = (packages: object): void =>
    checkout.write('node_modules/.package-lock.json', JSON.stringify({ packages }));
  const required = { 'node_modules/a': lock.packages['node_modules/a'] };

  it('neither installs, builds nor speaks when nothing has changed', async () => {
    expect(await checkout.ensure()).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(checkout.calls()).toEqual([]);
  });

  it.each([
    ['another version', () => changeLock('node_modules/a', { version: '1.0.1', integrity: 'sha512-a' })],
    ['another content', () => changeLock('node_modules/a', { version: '1.0.0', integrity: 'sha512-x' })],
    ['one package more', () => changeLock('node_modules/c', { version: '1.0.0' })],
    ['one package less', () => changeInstalled({ ...lock.packages, 'node_modules/c': { version: '1.0.0' } })],
    ['an interrupted install', () => checkout.remove('node_modules/.package-lock.json')],
    ['a damaged record', () => checkout.write('node_modules/.package-lock.json', '{"packages":')],
    ['no pinned Node', () => checkout.remove('node_modules/.bin/node')],
    ['no node_modules', () => checkout.remove('node_modules')],
  ])('installs again on %s', async (_why, change) => {
    change();
    await checkout.ensure('--packages');
    expect(checkout.calls()).toHaveLength(1);
  });

  it('does not miss an optional package of another platform', async () => {
    changeInstalled(required);
    await checkout.ensure('--packages');
    expect(checkout.calls()).toEqual([]);
  });

  it.each([
    ['a source has changed', () => checkout.write('shared/a.ts', 'other')],
    ['a source is new', () => checkout.write('electron/b.ts', '')],
    ['the bundler step has changed', () => appendFileSync(checkout.path('build/bundle.mjs'), '\n')],
    ['package.json has changed', () => checkout.write('package.json', '{"type":"module" }')],
    ['a source is older than before', () => checkout.age('shared/a.ts', dayMs)],
    ['the program is gone', () => checkout.remove('out/gatehouse.mjs')],
    ['out/ is gone', () => checkout.remove('out')],
  ])('builds again where %s', async (_why, change) => {
    change();
    const { code, stderr } = await checkout.ensure();
    expect(code).toBe(0);
    expect(stderr).toMatch(/^noise on stdout\ngatehouse: built out\/ in \d+ ms\n$/);
    expect(checkout.read('out/gatehouse.mjs')).toBe(checkout.read('shared/a.ts'));
  });

  it('does not build for a test', async () => {
    checkout.write('shared/a.test.ts', '');
    await checkout.ensure();
    expect(checkout.calls()).toEqual([]);
  });

  it('builds with --build though nothing has changed', async () => {
    await checkout.ensure('--build');
    expect(checkout.calls()).toEqual(['bundle']);
  });

  it('builds again where a source changed while it was building', async () => {
    checkout.write('build/bundle.mjs', `${bundler}appendFileSync('shared/a.ts', ' more');\n`);
    await checkout.ensure();
    await checkout.ensure();
    expect(checkout.calls()).toEqual(['bundle', 'bundle']);
  });

  it('leaves out/ as it was when the build fails, and tries again the next time', async () => {
    checkout.write('build/bundle.mjs', `${bundler}process.exit(3);\n`);
    checkout.write('shared/a.ts', 'broken');
    const { code, stderr } = await checkout.ensure();
    expect(code).toBe(1);
    expect(stderr).toContain('The build failed');
    expect(checkout.read('out/gatehouse.mjs')).toBe('first');
    expect((await checkout.ensure()).code).toBe(1);
    expect(checkout.out()).toEqual(['.built', 'gatehouse.mjs']);
  });

  it('keeps the assets of an earlier page for a day: a tab that is open may still ask for them', async () => {
    checkout.write('shared/page.txt', 'one');
    await install();
    checkout.write('shared/page.txt', 'twoo');
    expect((await checkout.ensure()).code).toBe(0);
    expect(checkout.read('out/renderer/index.html')).toBe('twoo');
    expect(existsSync(checkout.path('out/renderer/assets/one.js'))).toBe(true);
    checkout.age('out/renderer/assets/one.js', 2 * dayMs);
    checkout.write('shared/page.txt', 'three');
    expect((await checkout.ensure()).code).toBe(0);
    expect(existsSync(checkout.path('out/renderer/assets/one.js'))).toBe(false);
  });

  it('keeps a chunk of an earlier build for a day, and entries for ever', async () => {
    for (const name of ['chunk-new-1.mjs', 'chunk-old-1.mjs', 'other.mjs']) checkout.write(`out/${name}`, '');
    for (const name of ['chunk-old-1.mjs', 'other.mjs']) checkout.age(`out/${name}`, dayMs + 1000);
    await checkout.ensure('--build');
    expect(checkout.out()).toEqual(['.built', 'chunk-new-1.mjs', 'gatehouse.mjs', 'other.mjs']);
  });

  it('leaves nothing of earlier builds with --clean, which is what is packed', async () => {
    checkout.write('shared/page.txt', 'one');
    const old = ['chunk-new-1.mjs', 'other.mjs', 'renderer/assets/old.js', '.staging-1/gatehouse.mjs'];
    for (const folder of ['renderer/assets', '.staging-1']) {
      mkdirSync(checkout.path(`out/${folder}`), { recursive: true });
    }
    for (const name of old) checkout.write(`out/${name}`, '');
    expect((await checkout.ensure('--clean')).code).toBe(0);
    for (const name of old) expect(existsSync(checkout.path(`out/${name}`)), name).toBe(false);
    const made = ['.built', 'gatehouse.mjs', 'renderer/index.html', 'renderer/assets/one.js'];
    for (const name of made) expect(existsSync(checkout.path(`out/${name}`)), name).toBe(true);
    checkout.forget();
    expect(await checkout.ensure()).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('the lock', () => {
  beforeEach(install);

  function held(owner: string, ageMs: number): void {
    mkdirSync(checkout.path('out/.lock'));
    checkout.write('out/.lock/owner', owner);
    checkout.age('out/.lock', ageMs);
  }

  it.each([
    ['a process that no longer runs', '4194300', 0],
    ['a process that has stopped touching it', String(process.pid), 60_000],
    ['a process that died before it wrote its number', '', 60_000],
  ])('is taken over from %s', async (_why, owner, ageMs) => {
    held(owner, ageMs);
    expect((await checkout.ensure('--build')).code).toBe(0);
    expect(existsSync(checkout.path('out/.lock'))).toBe(false);
  });

  it('is waited for while its holder is alive', async () => {
    held(String(process.pid), 0);
    const run = checkout.ensure('--build');
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(checkout.calls()).toEqual([]);
    checkout.remove('out/.lock');
    const { code, stderr } = await run;
    expect(code).toBe(0);
    expect(stderr).toContain(`waiting for another build of this checkout (process ${process.pid})`);
  });
});

describe('the scripts that run before anything is installed', () => {
  it.each([...scripts, 'setup.mjs'])('%s imports Node and its neighbours alone', (script) => {
    const specifiers = importsOf(script, readFileSync(new URL(script, import.meta.url), 'utf8')).map(
      (found) => found.specifier,
    );
    const neighbours = scripts.map((name) => `./${name}`);
    const foreign = specifiers.filter(
      (name) => !name?.startsWith('node:') && !neighbours.includes(name ?? ''),
    );
    expect(foreign).toEqual([]);
  });
});
