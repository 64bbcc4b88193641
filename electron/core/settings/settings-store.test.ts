// settings.json: defaults where there is nothing, never where something cannot be read.
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { GatehouseError } from '../../../shared/contracts/errors.ts';
import { defaultSettings } from '../../../shared/contracts/settings.ts';
import type { SettingName, Settings } from '../../../shared/contracts/settings.ts';
import { SettingsStore } from './settings-store.ts';
import type { SettingSource } from './settings-store.ts';

let folder = '';
let path = '';
let stop: () => void = () => undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-settings-'));
  path = join(folder, 'settings.json');
});
afterEach(async () => {
  stop();
  await rm(folder, { recursive: true, force: true });
});

const verification = 'service.e2ee.require_e2ee_session_verification';
const soon = { timeout: 1000, interval: 10 };
const listener = () => ({
  onChange:
    vi.fn<(settings: Readonly<Settings>, changed: readonly SettingName[], source: SettingSource) => void>(),
  onProblem: vi.fn<(problem: GatehouseError) => void>(),
});

describe('SettingsStore', () => {
  it('has the defaults where nothing has been set, and writes no file for that', async () => {
    const store = await SettingsStore.open(folder);
    expect(store.all()).toEqual(defaultSettings);
    await expect(stat(path)).rejects.toThrow('ENOENT');
  });

  it('stores a value under its own name, mode 0600, and answers old and new', async () => {
    const store = await SettingsStore.open(folder);
    const change = await store.set(verification, true);
    expect(change).toEqual({ name: verification, old: false, value: true });
    expect(store.get(verification)).toBe(true);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ [verification]: true });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await SettingsStore.open(folder)).get(verification)).toBe(true);
  });

  it.each(['yes', 1, null, undefined, {}])('does not take %j for a switch', async (value) => {
    const store = await SettingsStore.open(folder);
    await expect(store.set(verification, value)).rejects.toMatchObject({ code: 'settings_invalid' });
    expect(store.get(verification)).toBe(false);
  });

  it.each([
    ['half-written', '{"service.e2ee.require'],
    ['empty', ''],
    ['a list', '[]'],
    ['null', 'null'],
    ['with a value of the wrong type', `{"${verification}":"true"}`],
    ['with a number out of bounds', '{"service.inspector.retention_days":0}'],
    ['with a misspelt name', '{"service.e2ee.require_e2ee_session_verfication":true}'],
    ['with __proto__', '{"__proto__":{}}'],
  ])('refuses a file that is %s, says so, and never overwrites it', async (_what, text) => {
    const store = await SettingsStore.open(folder);
    await writeFile(path, text);
    await expect(SettingsStore.open(folder)).rejects.toMatchObject({ code: 'settings_corrupt' });
    await expect(store.set(verification, true)).rejects.toMatchObject({ code: 'settings_corrupt' });
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  it('loses no concurrent change', async () => {
    const [a, b] = [await SettingsStore.open(folder), await SettingsStore.open(folder)];
    await Promise.all([a.set(verification, true), b.set('service.inspector.retention_days', 7)]);
    const all = (await SettingsStore.open(folder)).all();
    expect(all).toMatchObject({ [verification]: true, 'service.inspector.retention_days': 7 });
  });

  it('follows another process within a second', async () => {
    const running = await SettingsStore.open(folder);
    const told = listener();
    stop = running.watch(told);
    await (await SettingsStore.open(folder)).set(verification, true);
    await vi.waitFor(() => expect(told.onChange).toHaveBeenCalledOnce(), soon);
    expect(told.onChange.mock.calls[0]).toEqual([
      { ...defaultSettings, [verification]: true },
      [verification],
      'file',
    ]);
    expect(running.get(verification)).toBe(true);
  });

  it('takes up what another process wrote when it is asked to, before any watch sees it', async () => {
    const locked = await SettingsStore.open(folder);
    await (await SettingsStore.open(folder)).set(verification, true);
    expect(locked.get(verification)).toBe(false);
    await locked.refresh();
    expect(locked.get(verification)).toBe(true);
  });

  it("never takes its own change for somebody else's, however slow the disk is", async () => {
    const running = await SettingsStore.open(folder);
    const told = listener();
    stop = running.watch(told);
    const set = running.set(verification, true);
    await running.refresh();
    await set;
    expect(told.onChange.mock.calls.map(([, , source]) => source)).toEqual(['set']);
  });

  it('tells its own listeners of a set of its own, once', async () => {
    const running = await SettingsStore.open(folder);
    const told = listener();
    stop = running.watch(told);
    await running.set(verification, true);
    expect(told.onChange).toHaveBeenCalledOnce();
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(told.onChange).toHaveBeenCalledOnce();
  });

  it('keeps the last good settings of a running service when the file is damaged, and reports', async () => {
    const running = await SettingsStore.open(folder);
    await running.set(verification, true);
    const told = listener();
    stop = running.watch(told);
    await writeFile(path, '{');
    await vi.waitFor(() => expect(told.onProblem).toHaveBeenCalledOnce(), soon);
    expect(told.onProblem.mock.calls[0]![0].code).toBe('settings_corrupt');
    expect(running.get(verification)).toBe(true);
    expect(told.onChange).not.toHaveBeenCalled();
  });
});
