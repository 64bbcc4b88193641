// What a person gives a command: passwords from where nobody else reads them, durations, and paths as they meant them.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseDuration } from './duration.ts';
import { askHidden, passwordFileVariable, readSecretFile, readSuperadminPassword } from './password.ts';
import { defaultFolder, resolvePath } from './paths.ts';
import { maxFileLength, readSmallFile } from './text-file.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-input-'));
});

afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

async function file(name: string, content: string, mode = 0o600): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

/** Stands in for the terminal; returns how to type, and what was shown. */
function fakeTerminal(isTTY: boolean): { type(line: string): void; shown(): string } {
  const stdin = Object.assign(new PassThrough(), { isTTY, setRawMode: () => stdin });
  vi.spyOn(process, 'stdin', 'get').mockReturnValue(stdin as unknown as typeof process.stdin);
  let shown = '';
  const show = (text: string | Uint8Array): boolean => {
    shown += String(text);
    return true;
  };
  vi.spyOn(process.stderr, 'write').mockImplementation(show);
  vi.spyOn(process.stdout, 'write').mockImplementation(show);
  return { type: (line) => setImmediate(() => stdin.write(line)), shown: () => shown };
}

describe('a superadmin password', () => {
  it('is the first line of the file that is given, before that of the environment', async () => {
    const given = await file('given', 'one two \r\nrest\n');
    vi.stubEnv(passwordFileVariable, await file('env', 'other'));
    expect(await readSuperadminPassword({ passwordFile: given }, false)).toBe('one two ');
    expect(await readSuperadminPassword({}, false)).toBe('other');
  });

  it.each([0o644, 0o640, 0o604, 0o660, 0o602])('in a file of mode %i is refused', async (mode) => {
    const passwordFile = await file('open', 'hunter2', mode);
    const refusal = await readSuperadminPassword({ passwordFile }, false).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'file_too_open', message: expect.stringContaining('chmod 600') });
    expect(JSON.stringify(refusal)).not.toContain('hunter2');
  });

  it('in a file that is not there, or is a folder, is told as such', async () => {
    for (const path of [join(folder, 'none'), folder]) {
      await expect(readSecretFile(path)).rejects.toMatchObject({ code: 'storage_failed' });
    }
  });

  it.each([undefined, ''])(
    'without terminal and with the variable %s is asked for in words',
    async (value) => {
      fakeTerminal(false);
      if (value !== undefined) vi.stubEnv(passwordFileVariable, value);
      const message = expect.stringMatching(/--password-file FILE.*GATEHOUSE_SUPERADMIN_PASSWORD_FILE/);
      await expect(readSuperadminPassword({}, true)).rejects.toMatchObject({
        code: 'superadmin_password_required',
        message,
      });
    },
  );

  it('is typed without being shown', async () => {
    const { type, shown } = fakeTerminal(true);
    const answer = readSuperadminPassword({}, false);
    type('hunter2\n');
    expect(await answer).toBe('hunter2');
    expect(shown()).toBe('Superadmin password: \n');
  });

  it('that is chosen is typed twice, and alike', async () => {
    for (const [second, outcome] of [
      ['hunter2', 'hunter2'],
      ['hunter3', 'superadmin_password_required'],
    ] as const) {
      const { type, shown } = fakeTerminal(true);
      const answer = readSuperadminPassword({}, true).catch(
        (error: unknown) => (error as { code: string }).code,
      );
      type('hunter2\n');
      await vi.waitFor(() => expect(shown()).toContain('Once more'));
      type(`${second}\n`);
      expect(await answer).toBe(outcome);
      expect(shown()).not.toContain('hunter');
      vi.restoreAllMocks();
    }
  });

  it('that is broken off is none', async () => {
    fakeTerminal(true);
    const answer = askHidden('?');
    process.stdin.push(null);
    await expect(answer).rejects.toMatchObject({ code: 'superadmin_password_required' });
  });
});

describe('a duration', () => {
  it.each([
    ['90s', 90_000],
    ['15m', 900_000],
    ['24h', 86_400_000],
    ['30d', 2_592_000_000],
    [' 1s ', 1_000],
    ['999999d', 86_399_913_600_000],
  ])('%s is %i ms', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  it.each(['', '0s', '10', 's', '-1s', '1.5h', '1 h', '1H', '1w', '1000000d', '1e3s', '٣s', '1s1s'])(
    'is not %j',
    (text) => {
      expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'usage' }));
    },
  );
});

describe('a path', () => {
  it('is relative to where npm was called for its script gatehouse alone', () => {
    vi.stubEnv('INIT_CWD', '/home/anna');
    vi.stubEnv('npm_lifecycle_event', 'gatehouse');
    expect(resolvePath('x/y')).toBe('/home/anna/x/y');
    expect(resolvePath('/etc/x')).toBe('/etc/x');
    vi.stubEnv('npm_lifecycle_event', 'test');
    expect(resolvePath('x')).toBe(join(process.cwd(), 'x'));
  });

  it('by default is in the home folder, or where GATEHOUSE_HOME says', () => {
    vi.stubEnv('GATEHOUSE_HOME', undefined);
    expect(defaultFolder('service')).toBe(join(homedir(), '.gatehouse', 'service'));
    vi.stubEnv('GATEHOUSE_HOME', '/srv/g');
    expect(defaultFolder('relay')).toBe('/srv/g/relay');
  });

  it('of a file that is too large gives a byte more than its limit and no more', async () => {
    const path = await file('large', 'x'.repeat(maxFileLength + 100));
    expect((await readSmallFile(path)).length).toBe(maxFileLength + 1);
  });
});
