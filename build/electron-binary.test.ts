// Is Electron's program there, and fetching it: with a package folder whose installer does what the case says.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { electronBinary, fetchElectron, hasDisplay } from './electron-binary.mjs';

let folder: string;
let said: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-electron-test-'));
  said = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const say = (text: string): void => void said.push(text);

describe('Electron', () => {
  it.each([
    [{}, 'linux', false],
    [{ DISPLAY: '' }, 'linux', false],
    [{ DISPLAY: ':0' }, 'linux', true],
    [{ WAYLAND_DISPLAY: 'wayland-0' }, 'linux', true],
    [{}, 'darwin', true],
    [{}, 'win32', true],
  ])('with %j on %s has a display: %s', (env, platform, expected) => {
    expect(hasDisplay(env, platform)).toBe(expected);
  });

  it('is there only where path.txt names a program that exists', () => {
    expect(electronBinary(folder, {})).toBeNull();
    writeFileSync(join(folder, 'path.txt'), 'electron');
    expect(electronBinary(folder, {})).toBeNull();
    mkdirSync(join(folder, 'dist'));
    writeFileSync(join(folder, 'dist', 'electron'), '');
    expect(electronBinary(folder, {})).toBe(join(folder, 'dist', 'electron'));
  });

  it('is not fetched where its package is not there', async () => {
    expect(await fetchElectron(folder, say)).toBe('its npm package is not installed');
  });

  it.each([
    ['ends well', 'process.exit(0)', null],
    ['fails', 'process.exit(1)', 'it cannot be fetched'],
    ['says nothing for too long', 'setInterval(() => {}, 1000)', 'nothing of it has come for 0.1 s'],
  ])('is fetched by its own installer, which %s', async (_how, script, expected) => {
    writeFileSync(join(folder, 'install.js'), script);
    expect(await fetchElectron(folder, say, 100)).toBe(expected);
  });

  it('is waited for while bytes come, and progress is told', async () => {
    const script = `const { writeFileSync } = require('node:fs'); const { tmpdir } = require('node:os'); let n = 0;
      setInterval(() => { writeFileSync(tmpdir() + '/part', Buffer.alloc(++n * 1048576)); if (n === 8) process.exit(0); }, 250);`;
    writeFileSync(join(folder, 'install.js'), script);
    expect(await fetchElectron(folder, say, 1_500)).toBeNull();
    expect(said.length).toBeGreaterThan(1);
  });
});
