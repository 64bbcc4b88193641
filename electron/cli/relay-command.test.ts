// `gatehouse relay` as processes: the ready line, the one-shot commands beside a running relay, kill -9, SIGTERM, and
// what it refuses to start with.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectClient, connectService, makeTestIdentity } from '../../shared/testing/relay-peers.ts';
import { makeTestCertificate } from '../../shared/testing/test-certificate.ts';

const program = `
  import { Command } from 'commander';
  import { addRelayCommand } from './electron/cli/relay-command.ts';
  const program = new Command('gatehouse');
  addRelayCommand(program);
  await program.parseAsync(process.argv, { from: 'node' });
`;

let folder: string;
const running = new Set<ChildProcess>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-cli-'));
});

afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
  await rm(folder, { recursive: true, force: true });
});

function start(args: readonly string[]): ChildProcess {
  const node = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program, 'gatehouse'];
  const root = new URL('../..', import.meta.url);
  const child = spawn(process.execPath, [...node, 'relay', ...args], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  running.add(child);
  return child;
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(args: readonly string[]): Promise<Ended> {
  const child = start(args);
  let [stdout, stderr] = ['', ''];
  child.stdout!.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr!.on('data', (chunk) => (stderr += String(chunk)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

/** What the one-shot commands print, each some of it. */
interface Printed {
  readonly id: string;
  readonly token: string;
  readonly expiresAt?: string;
  readonly serviceIds?: unknown;
  readonly tokens?: unknown;
}

async function runJson(args: readonly string[]): Promise<Printed> {
  const { stdout, stderr } = await run([...args, '--data', folder, '--json']);
  expect(stderr).toBe('');
  expect(stdout.trim().split('\n')).toHaveLength(1);
  return JSON.parse(stdout) as Printed;
}

/** A relay on `folder`, and its URL once it serves. */
async function serve(...args: string[]): Promise<{ child: ChildProcess; url: URL }> {
  const child = start(['--listen', '127.0.0.1:0', '--data', folder, '--json', ...args]);
  const lines = createInterface({ input: child.stdout! });
  const [line] = (await once(lines, 'line')) as [string];
  const ready = JSON.parse(line) as { event: string; url: string };
  expect(ready.event).toBe('ready');
  return { child, url: new URL(ready.url) };
}

describe('gatehouse relay', () => {
  it('follows the one-shot commands while it runs, and keeps all of it through kill -9', async () => {
    const first = await serve('--domain', 'PROD');
    const enrolment = await runJson(['enrolment-token', '--expires', '1h']);
    expect(Object.keys(enrolment)).toEqual(['id', 'token', 'expiresAt']);
    const spare = await runJson(['enrolment-token']);
    const client = await runJson(['client-token', '--user', 'anna']);
    expect(client).toEqual({ id: client.id, token: client.token, user: 'anna', serviceIds: null });
    const identity = makeTestIdentity();
    await connectService(first.url, { identity, token: enrolment.token });
    expect((await connectClient(first.url, client.token)).domain).toBe('PROD');
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');

    const second = await serve();
    expect((await connectService(second.url, { identity })).name).toBe(identity.serviceId);
    const used = connectService(second.url, { token: enrolment.token });
    await expect(used).rejects.toMatchObject({ code: 'not_authorised' });
    await connectService(second.url, { token: spare.token });
    const anna = await connectClient(second.url, client.token);
    await runJson(['client-token', 'revoke', client.id]);
    expect((await anna.closed).code).toBe('not_authorised');
    const listed = await runJson(['client-token', 'list']);
    expect(listed.tokens).toMatchObject([
      { id: client.id, user: 'anna', revokedAt: expect.any(String) as string },
    ]);
    expect(JSON.stringify(listed)).not.toContain(client.token);
  });

  it('lists and forgets services', async () => {
    const { url } = await serve('--open');
    const service = await connectService(url);
    expect(await runJson(['services', 'list'])).toMatchObject({ services: [{ serviceId: service.name }] });
    expect(await runJson(['services', 'forget', service.name])).toEqual({
      serviceId: service.name,
      forgotten: true,
    });
    expect((await service.closed).code).toBe('not_authorised');
  });

  it('makes tokens for some services only', async () => {
    const ids = ['abcd-efgh-2345', 'bbbb-cccc-dddd'];
    const token = await runJson(['client-token', '--user', 'anna', '--service', ...ids]);
    expect(token.serviceIds).toEqual(ids);
  });

  it('drains on SIGTERM and exits 0', async () => {
    const { child, url } = await serve('--open');
    const service = await connectService(url);
    child.kill('SIGTERM');
    const [code] = (await once(child, 'exit')) as [number];
    expect(code).toBe(0);
    expect((await service.closed).code).toBe('shutting_down');
  });

  it('ends with its standard input where it was told to, as a child of whoever started it', async () => {
    const { child } = await serve('--open', '--end-with-stdin');
    child.stdin!.end();
    expect(await once(child, 'exit')).toEqual([0, null]);
    const { child: other } = await serve('--open', '--end-with-stdin');
    other.kill('SIGTERM');
    expect(await once(other, 'exit')).toEqual([0, null]);
  });

  it('prints tokens on stdout alone, and never logs one', async () => {
    const { child, url } = await serve('--log-level', 'trace');
    let log = '';
    child.stderr!.on('data', (chunk) => (log += String(chunk)));
    const enrolment = await runJson(['enrolment-token']);
    const client = await runJson(['client-token', '--user', 'anna']);
    await connectService(url, { token: enrolment.token });
    await connectClient(url, client.token);
    await connectClient(url, `${client.token}x`).catch(() => undefined);
    await expect.poll(() => log).toContain('client connected');
    for (const token of [enrolment.token, client.token]) expect(log).not.toContain(token.slice(17));
  });

  it('says to a person what comes next', async () => {
    const child = start(['--listen', '127.0.0.1:0', '--data', folder]);
    let text = '';
    child.stdout!.on('data', (chunk) => (text += String(chunk)));
    await expect.poll(() => text, { timeout: 5000 }).toContain('Stop it with');
    expect(text).toMatch(/serves at ws:\/\/127\.0\.0\.1:\d+\n/);
    expect(text).toContain('gatehouse relay enrolment-token');
  });
});

describe('gatehouse relay refuses', () => {
  it.each<[string, string[], string, number]>([
    ['to be open off loopback', ['--listen', '192.0.2.1:1', '--open'], 'usage', 2],
    ['plain off loopback', ['--listen', '192.0.2.1:1'], 'usage', 2],
    ['every address without a URL', ['--listen', '0.0.0.0:1'], 'usage', 2],
    ['to be open behind a proxy', ['--open', '--public-url', 'wss://relay.example'], 'usage', 2],
    ['half of TLS', ['--tls-cert', 'x.pem'], 'usage', 2],
    ['a log level that is none', ['--log-level', 'loud'], 'usage', 2],
    ['a token for nobody', ['client-token'], 'usage', 2],
    ['a time that is none', ['enrolment-token', '--expires', 'soon'], 'usage', 2],
    ['to revoke what is not there', ['client-token', 'revoke', 'aaaaaaaaaaaa'], 'relay_record_unknown', 1],
    ['to forget what is not there', ['services', 'forget', 'aaaa-bbbb-cccc'], 'relay_record_unknown', 1],
  ])('%s', async (_name, args, code, exitCode) => {
    const ended = await run([...args, '--data', folder, '--json']);
    expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code } });
    expect(ended.code).toBe(exitCode);
  });

  it('a second relay on a folder, and a TLS key that others can read', async () => {
    await serve();
    const second = await run(['--listen', '127.0.0.1:0', '--data', folder, '--json']);
    expect(second.stdout).toContain('data_folder_in_use');
    const { cert, key } = makeTestCertificate('localhost');
    const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    await writeFile(certFile, cert);
    await writeFile(keyFile, key);
    await chmod(keyFile, 0o644);
    const open = await run(['--tls-cert', certFile, '--tls-key', keyFile, '--data', folder, '--json']);
    expect(open.stdout).toContain('file_too_open');
  });
});
