// A small checkout in a temporary folder, with stand-ins for npm and for the bundler: the stage for the tests of
// build/ensure.mjs. It must never touch this checkout's node_modules or out/, and never reach a network.
import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

/** What build/ensure.mjs consists of. */
export const scripts = ['ensure.mjs', 'packages.mjs', 'built-output.mjs', 'folder-lock.mjs'];

export const lock = {
  packages: {
    '': {},
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/b': { version: '2.0.0', integrity: 'sha512-b', optional: true },
  },
};

/** Says on calls.log that it ran, and installs what the lock file says. */
const npm = `#!/bin/sh
echo "npm $*" >> calls.log
echo noise on stdout
sleep 0.05
mkdir -p node_modules/.bin && cp package-lock.json node_modules/.package-lock.json
ln -sf "${process.execPath}" node_modules/.bin/node
`;

/** "Builds" by copying shared/a.ts. */
export const bundler = `import { appendFileSync, copyFileSync } from 'node:fs';
appendFileSync('calls.log', 'bundle\\n');
console.log('noise on stdout');
copyFileSync('shared/a.ts', process.argv[2] + '/gatehouse.mjs');
`;

/** Makes a page where shared/page.txt is: its text names the asset. */
const pageBuilder = `import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
if (existsSync('shared/page.txt')) {
  const name = readFileSync('shared/page.txt', 'utf8');
  mkdirSync(process.argv[2] + '/assets', { recursive: true });
  writeFileSync(process.argv[2] + '/assets/' + name + '.js', '');
  writeFileSync(process.argv[2] + '/index.html', name);
}
`;

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class SmallCheckout {
  readonly root = mkdtempSync(join(tmpdir(), 'gatehouse-ensure-'));

  constructor() {
    for (const folder of ['build', 'shared', 'electron', 'renderer', 'bin']) mkdirSync(this.path(folder));
    for (const script of scripts) copyFileSync(join(here, script), this.path('build', script));
    this.write('build/bundle.mjs', bundler);
    this.write('build/messages.mjs', '');
    this.write('build/renderer.mjs', pageBuilder);
    this.write('shared/a.ts', 'first');
    this.write('package.json', '{"type":"module"}');
    this.write('package-lock.json', JSON.stringify(lock));
    this.npm(npm);
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  write(path: string, text: string): void {
    writeFileSync(this.path(path), text);
  }

  read(path: string): string {
    return readFileSync(this.path(path), 'utf8');
  }

  remove(path = ''): void {
    rmSync(this.path(path), { recursive: true, force: true });
  }

  /** Makes `path` look `ageMs` old. */
  age(path: string, ageMs: number): void {
    const time = new Date(Date.now() - ageMs);
    utimesSync(this.path(path), time, time);
  }

  out(): string[] {
    return readdirSync(this.path('out')).sort();
  }

  /** Puts another script in the place of npm. */
  npm(script: string): void {
    this.write('bin/npm', script);
    chmodSync(this.path('bin/npm'), 0o755);
  }

  /** What the stand-ins were called with since the start or the last `forget`. */
  calls(): string[] {
    return existsSync(this.path('calls.log')) ? this.read('calls.log').trim().split('\n') : [];
  }

  forget(): void {
    this.remove('calls.log');
  }

  /** Runs build/ensure.mjs, from another folder. */
  ensure(...args: string[]): Promise<Run> {
    return new Promise((resolve) => {
      const env = { ...process.env, PATH: `${this.path('bin')}:${process.env.PATH ?? ''}` };
      const child = spawn(process.execPath, [this.path('build/ensure.mjs'), ...args], { cwd: tmpdir(), env });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
      child.once('close', (code) => resolve({ code, stdout, stderr }));
    });
  }
}
