// The programs that the bench runs: relay, service, sshd and ssh, each a process of its own, all on loopback.
// Everything lies in one temporary folder and ends with the bench.
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeTestCertificate } from '../../shared/testing/test-certificate.ts';

const gatehouse = resolve('out/gatehouse.mjs');

/** What `npm run gatehouse` gives Node. */
export const nodeFlags = flagsOf(readFileSync('package.json', 'utf8'));

function flagsOf(json: string): readonly string[] {
  const { scripts } = JSON.parse(json) as { scripts: { gatehouse: string } };
  return scripts.gatehouse.match(/ --\S+(?=.* out\/gatehouse\.mjs)/g)?.map((flag) => flag.trim()) ?? [];
}

export class Programs {
  readonly folder: string;
  readonly #children: ChildProcess[] = [];

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Starts `gatehouse …` and resolves with its ready line. */
  async gatehouse(args: readonly string[]): Promise<{ pid: number; ready: Record<string, string> }> {
    const child = spawn(process.execPath, [...nodeFlags, gatehouse, ...args, '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#children.push(child);
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const ready = JSON.parse(line) as Record<string, string>;
    if (ready.event !== 'ready') throw new Error(`gatehouse ${args.join(' ')}: ${line}`);
    return { pid: child.pid ?? 0, ready };
  }

  /** Runs a one-shot `gatehouse …` and returns what it prints. */
  once(args: readonly string[]): Record<string, string> {
    const output = execFileSync(process.execPath, [gatehouse, ...args, '--json'], { encoding: 'utf8' });
    return JSON.parse(output) as Record<string, string>;
  }

  file(name: string, content: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  /** A TLS certificate for the relay, as files. */
  relayCertificate(): { cert: string; key: string } {
    const { cert, key } = makeTestCertificate('localhost');
    return { cert: this.file('relay.pem', cert), key: this.file('relay.key', key) };
  }

  /** A local sshd, and an ssh that forwards a new port to `port` through it. Resolves with the new port. */
  async sshForward(port: number): Promise<number> {
    const folder = join(this.folder, 'ssh');
    mkdirSync(folder, { mode: 0o700 });
    for (const name of ['host', 'user']) {
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
    }
    const sshPort = await freePort();
    const config = [
      `Port ${sshPort}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${join(folder, 'host')}`,
      `AuthorizedKeysFile ${join(folder, 'user.pub')}`,
      'StrictModes no',
      'UsePAM no',
      'PidFile none',
      'PasswordAuthentication no',
      'PermitRootLogin prohibit-password',
    ].join('\n');
    // sshd insists on this folder where it runs as root.
    if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
    this.#run('/usr/sbin/sshd', ['-D', '-e', '-f', this.file('ssh/sshd_config', config)]);
    await listening(sshPort);
    const forwarded = await freePort();
    this.#run('ssh', [
      ...['-N', '-p', String(sshPort), '-i', join(folder, 'user'), '-F', 'none'],
      ...['-o', 'StrictHostKeyChecking=no', '-o', `UserKnownHostsFile=${join(folder, 'known')}`],
      ...['-L', `127.0.0.1:${forwarded}:127.0.0.1:${port}`, `${userInfo().username}@127.0.0.1`],
    ]);
    await listening(forwarded);
    return forwarded;
  }

  /** Ends everything that was started, and waits for it. */
  async stop(): Promise<void> {
    for (const child of this.#children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      const cutOff = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(cutOff);
    }
  }

  #run(program: string, args: readonly string[]): void {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.resume();
    this.#children.push(child);
  }
}

/** Resident memory of a process in KiB. */
export function residentKib(pid: number): number {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1] ?? 0);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Waits until something listens on a port of loopback, up to 10 s. */
async function listening(port: number): Promise<void> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  for (let i = 0; i < 200; i += 1) {
    // Looked up instead of dialled: a dial would be a connection to the service behind a forward.
    if (readFileSync('/proc/net/tcp', 'utf8').includes(`0100007F:${hex} 00000000:0000 0A`)) return;
    await sleep(50);
  }
  throw new Error(`nothing listens on port ${port}`);
}
