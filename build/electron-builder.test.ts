// The desktop packages as electron-builder reads their configuration: valid by its own schema, the fuses of DESIGN.md,
// and everything in the package that the bundle does not carry itself. Electron is not needed for this.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';

interface Configuration {
  readonly files: readonly { readonly filter: readonly string[] }[];
  readonly asar: boolean;
  readonly asarUnpack: readonly string[];
  readonly npmRebuild: boolean;
  readonly electronFuses: Readonly<Record<string, boolean>>;
  readonly linux: { readonly target: readonly string[]; readonly icon: string };
  readonly mac: { readonly target: readonly string[]; readonly icon: string };
  readonly win: { readonly target: readonly string[]; readonly icon: string };
}

interface Reader {
  getConfig(projectDir: string, path: string, options: null): Promise<Configuration>;
  validateConfiguration(configuration: Configuration, debug: { add(): void }): Promise<void>;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(createRequire(import.meta.url).resolve('electron-builder'));
const reader = require('app-builder-lib/out/util/config/config') as Reader;

const read = (name: string): Promise<Configuration> => reader.getConfig(root, join('build', name), null);

let released: Configuration;
let tested: Configuration;
beforeAll(async () => {
  released = await read('electron-builder.yml');
  tested = await read('electron-builder.test-build.yml');
});

describe('the package', () => {
  it('is described in the form that electron-builder takes', async () => {
    await reader.validateConfiguration(structuredClone(released), { add: () => undefined });
    await reader.validateConfiguration(structuredClone(tested), { add: () => undefined });
  });

  it('has the fuses of the house plan', () => {
    expect(released.electronFuses).toMatchObject({
      runAsNode: false,
      enableNodeOptionsEnvironmentVariable: false,
      enableNodeCliInspectArguments: false,
      grantFileProtocolExtraPrivileges: false,
      enableCookieEncryption: true,
      onlyLoadAppFromAsar: true,
      enableEmbeddedAsarIntegrityValidation: true,
    });
  });

  it('differs from the one that tests drive in nodeCliInspect alone', () => {
    const { enableNodeCliInspectArguments: inspect, ...fuses } = tested.electronFuses;
    const { enableNodeCliInspectArguments: none, ...releasedFuses } = released.electronFuses;
    expect([inspect, none]).toEqual([true, false]);
    expect(fuses).toEqual(releasedFuses);
    const others = { ...released, electronFuses: {} };
    expect({ ...tested, electronFuses: {}, extends: undefined }).toEqual(others);
  });

  it('is made for every system that it is meant for, from an archive, and rebuilds nothing', () => {
    expect(released.linux.target).toEqual(['AppImage', 'deb', 'rpm']);
    expect(released.mac.target).toEqual(['dmg']);
    expect(released.win.target).toEqual(['nsis']);
    expect([released.asar, released.npmRebuild]).toEqual([true, false]);
  });

  it('has icons that are there', () => {
    for (const { icon } of [released.linux, released.mac, released.win]) {
      expect(existsSync(join(root, icon)), icon).toBe(true);
    }
  });
});

describe('the files of the package', () => {
  const patterns = (): readonly string[] => released.files.flatMap(({ filter }) => filter);
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly main: string;
    readonly dependencies: object;
    readonly scripts: { readonly dist: string };
  };
  const bundler = readFileSync(join(root, 'build/bundle.mjs'), 'utf8');
  const external = /const external = \[(.*)\]/
    .exec(bundler)?.[1]
    ?.split(',')
    .map((name) => name.trim().slice(1, -1));
  /** Electron is the program itself; ws does without utf-8-validate; the trial's sign-in is no part of a desktop. */
  const left = ['electron', 'utf-8-validate', 'oidc-provider'];
  const kept = external?.filter((name) => !left.includes(name)) ?? [];

  it('are the built ones, and of one build', () => {
    expect(manifest.scripts.dist).toMatch(/ build\/ensure\.mjs --clean && electron-builder /);
    expect(patterns()).toContain('out/**');
    expect(manifest.main).toBe('out/desktop.mjs');
    const sources = /^(electron|renderer|shared|build|e2e)\b/;
    expect(patterns().filter((pattern) => sources.test(pattern))).toEqual([]);
  });

  it('have all that the bundle leaves outside, unpacked where the system loads it', () => {
    expect(kept).toEqual(['better-sqlite3', 'bufferutil']);
    for (const name of kept) {
      expect(patterns()).toContain(`node_modules/${name}/**`);
      expect(released.asarUnpack).toContain(`node_modules/${name}/**`);
      expect(Object.keys(manifest.dependencies), 'electron-builder takes no devDependency').toContain(name);
    }
  });

  it('have what those need in turn where they load it', () => {
    for (const [name, loaded] of [
      ['bufferutil', 'node-gyp-build'],
      ['better-sqlite3', 'prebuilds'],
    ] as const) {
      const folder = join(root, 'node_modules', name);
      const inside = existsSync(join(folder, loaded));
      expect(inside || patterns().includes(`node_modules/${loaded}/**`), `${name} needs ${loaded}`).toBe(
        true,
      );
    }
  });
});
