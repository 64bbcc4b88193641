// What the tests and the bench need from Debian, beside npm's packages: installed where we are root, named where not.
// `--require NAME` checks one program: prints its path, or fails with the sentence that says how to get it.
// A missing program never makes a test skip. It must never start a system service, and costs milliseconds when
// everything is there.
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './packages.mjs';

const programs = [
  { name: 'sshd', package: 'openssh-server', why: 'the bench compares with OpenSSH' },
  { name: 'ssh', package: 'openssh-client', why: 'the bench compares with OpenSSH' },
  { name: 'chromium', package: 'chromium', why: 'the console is tested in a real browser' },
  { name: 'fc-list', package: 'fontconfig', why: 'the browser needs fonts' },
  { name: 'nghttp', package: 'nghttp2-client', why: 'a foreign HTTP/2 client calls the service in a test' },
];

/** Debian asks this program whether a package may start its service; 101 is no. */
const policyFile = '/usr/sbin/policy-rc.d';

/** Where a program lies, or undefined. /usr/sbin is not on the PATH of an ordinary user. */
function find(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What is missing, for what, and the command that installs it. */
function advice(missing) {
  const what = missing.map(({ name, why }) => `${name} (${why})`).join(', ');
  return (
    `not on this machine: ${what}. Install Debian's packages as root, then run this again:\n` +
    `  apt-get update && apt-get install -y --no-install-recommends ${packagesOf(missing).join(' ')}`
  );
}

function packagesOf(missing) {
  return [...new Set(missing.map((program) => program.package))];
}

function say(text) {
  process.stderr.write(`gatehouse: ${text}\n`);
}

async function install(missing) {
  const packages = packagesOf(missing);
  say(`installing ${packages.join(', ')} with apt-get …`);
  const madePolicy = forbidServices();
  try {
    const options = { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
    const wait = ['-o', 'DPkg::Lock::Timeout=120'];
    await run('apt-get', ['-q', 'update'], options);
    await run('apt-get', ['-q', ...wait, 'install', '-y', '--no-install-recommends', ...packages], options);
  } finally {
    if (madePolicy) rmSync(policyFile, { force: true });
  }
}

/** True where the policy file is ours to remove. */
function forbidServices() {
  if (existsSync(policyFile)) return false;
  writeFileSync(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  return true;
}

/** Ends with 0 even where something is missing: the tests that need it fail, with the same sentence. */
async function setUp() {
  const missing = () => programs.filter(({ name }) => find(name) === undefined);
  if (missing().length === 0) return;
  if (process.getuid() === 0 && find('apt-get') !== undefined) {
    await install(missing()).catch((error) => say(`the packages could not be installed: ${error.message}`));
  }
  if (missing().length > 0) say(advice(missing()));
}

function requireProgram(name) {
  const program = programs.find((entry) => entry.name === name);
  if (program === undefined) throw new Error(`build/setup.mjs does not know the program ${name}.`);
  const path = find(name);
  if (path !== undefined) {
    console.log(path);
    return;
  }
  say(advice([program]));
  process.exitCode = 1;
}

const [flag, name] = process.argv.slice(2);
if (flag === '--require') requireProgram(name);
else await setUp();
