// build/setup.mjs as `npm test` runs it, with a stand-in for apt-get on a PATH of its own: nothing is installed.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('setup.mjs', import.meta.url));
const policyFile = '/usr/sbin/policy-rc.d';
const hadPolicy = existsSync(policyFile);

let bin: string;

beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), 'gatehouse-setup-'));
});

afterEach(() => {
  rmSync(bin, { recursive: true, force: true });
  expect(existsSync(policyFile)).toBe(hadPolicy);
});

function program(name: string, body = ''): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(bin, name), 0o755);
}

function setUp(uid: number, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const user = `data:text/javascript,process.getuid=()=>${uid}`;
  const options = { encoding: 'utf8', env: { PATH: bin }, cwd: bin } as const;
  return spawnSync(process.execPath, ['--import', user, script, ...args], options);
}

describe('an ordinary user', () => {
  it('is told the program, its use and the command, and the run goes on', () => {
    program('apt-get', `echo called >> ${bin}/calls`);
    program('ssh');
    const { status, stdout, stderr } = setUp(1000);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    expect(stderr).toContain('nghttp (a foreign HTTP/2 client calls the service in a test)');
    expect(stderr).toMatch(/apt-get install -y --no-install-recommends .*nghttp2-client/);
    expect(stderr).not.toContain('openssh-client');
    expect(existsSync(join(bin, 'calls'))).toBe(false);
  });

  it('hears nothing when everything is there', () => {
    for (const name of ['sshd', 'ssh', 'nghttp', 'chromium', 'fc-list']) program(name);
    expect(setUp(1000)).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });
});

// Only root can write the policy file where Debian has none.
describe.runIf(hadPolicy || process.getuid?.() === 0)('root', () => {
  const record = `echo "$DEBIAN_FRONTEND $*" >> calls; [ -x ${policyFile} ] || echo unguarded >> calls; echo noise`;
  const calls = (): string[] => readFileSync(join(bin, 'calls'), 'utf8').trim().split('\n');

  it('gets what is missing from apt-get, unasked, with services kept from starting', () => {
    for (const name of ['sshd', 'chromium', 'fc-list']) program(name);
    program(
      'apt-get',
      `${record}\n[ "$2" = update ] || { printf '#!/bin/sh\\n' > nghttp; /bin/chmod 755 nghttp; }`,
    );
    program('ssh');
    const { status, stdout, stderr } = setUp(0);
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    expect(calls()).toEqual([
      'noninteractive -q update',
      'noninteractive -q -o DPkg::Lock::Timeout=120 install -y --no-install-recommends nghttp2-client',
    ]);
    expect(stderr).toContain('installing nghttp2-client with apt-get');
    expect(stderr).not.toContain('not on this machine');
  });

  it('is told what is missing when apt-get fails, and the run goes on', () => {
    program('apt-get', `${record}\nexit 100`);
    const { status, stderr } = setUp(0);
    expect(status).toBe(0);
    expect(stderr).toContain('not on this machine');
  });

  it('is told what is missing on a system without apt-get', () => {
    const { status, stderr } = setUp(0);
    expect(status).toBe(0);
    expect(stderr).toContain('not on this machine');
  });
});

describe('--require', () => {
  it('prints the path of a program that is there', () => {
    program('nghttp');
    expect(setUp(1000, '--require', 'nghttp')).toMatchObject({ status: 0, stdout: `${bin}/nghttp\n` });
  });

  it('fails with the sentence of the set-up for a program that is missing', () => {
    const { status, stdout, stderr } = setUp(1000, '--require', 'nghttp');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain("Install Debian's packages as root");
    expect(stderr).toContain('nghttp2-client');
  });
});
