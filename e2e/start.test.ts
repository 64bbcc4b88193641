// The two commands on a fresh clone: what a new user has is the repository's files and a Node that is not the pinned one.
// Takes the packages from the registry, so it is no part of `npm test`: `npm run test:clone` runs it, and so does CI.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsoleClient } from './support/console-client.ts';
import { Home, repository } from './support/home.ts';

/** npm ci fetches some 200 packages. */
const installMs = 300_000;

describe('a fresh clone', () => {
  let home: Home;
  let clone = '';
  beforeAll(() => {
    home = new Home();
    clone = home.path('clone');
    const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: repository });
    for (const name of listed.toString('utf8').split('\0').filter(Boolean)) {
      if (existsSync(join(repository, name))) cpSync(join(repository, name), join(clone, name));
    }
  });
  afterAll(() => home.close());

  it(
    'starts with npm start alone, is set up with the printed URL, and is called with the line that it gives',
    async () => {
      expect(existsSync(join(clone, 'node_modules'))).toBe(false);
      const npm = home.execute('npm', ['start', '--', '--browser', '--json'], { cwd: clone });
      const { consoleUrl, state } = await npm.event('ready', installMs);
      expect(state).toBe('first_run');
      const client = home.keep(new ConsoleClient(String(consoleUrl)));
      const { callLine } = await client.call('console.setup', {
        setupKey: client.setupKey,
        password: 'correct horse battery staple',
        relay: { kind: 'local' },
      });
      const called = home.execute('/bin/sh', ['-c', `${callLine} --json`], { cwd: clone });
      expect(await called.exit()).toEqual({ code: 0, signal: null });
      expect(called.events).toMatchObject([{ result: { pong: true } }]);
      npm.signal('SIGTERM');
      expect(await npm.exit()).toEqual({ code: 0, signal: null });
      await home.nothingLeft();
    },
    installMs,
  );
});
