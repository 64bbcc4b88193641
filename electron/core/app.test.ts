// A whole service in this process, on a real data folder: a start that fails leaves nothing held, and what changes
// in the folder reaches the sessions that are live.
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseAccessToken } from '../../shared/e2ee/access-token.ts';
import { ScramClient } from '../../shared/e2ee/scram/client.ts';
import { channelBinding, startClientTls } from '../../shared/e2ee/tunnel.ts';
import { startService } from './app.ts';
import type { RunningService, ServiceOptions } from './app.ts';
import { renewCertificate } from './certificates/certificate-store.ts';
import { answerOf, codeOf, request, startRequest } from './endpoint/endpoint-samples.ts';
import { AccessTokens } from './secrets/access-tokens.ts';
import { newPasswordKeyParameters } from './secrets/password-key.ts';
import { createSecrets } from './secrets/secrets-file.ts';
import { openServiceSecrets, secretsPath } from './secrets/service-secrets.ts';
import { SettingsStore } from './settings/settings-store.ts';

const password = 'correct horse';
let folder: string;
const cleanUps: (() => unknown)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-app-'));
  // The least cost that a secrets.json may have: what a password costs is tested beside it.
  await createSecrets(secretsPath(folder), password, newPasswordKeyParameters(2 ** 14));
});

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  await rm(folder, { recursive: true, force: true });
});

async function start(more: Partial<ServiceOptions> = {}): Promise<RunningService> {
  const service = await startService({
    dataFolder: folder,
    superadminPassword: password,
    relay: new URL('ws://127.0.0.1:1'),
    logger: pino({ level: 'silent' }),
    directPort: 0,
    drainMs: 100,
    ...more,
  });
  cleanUps.push(() => service.stop());
  return service;
}

async function open(service: RunningService, alpn: 'h2' | 'http/1.1' = 'h2') {
  const socket = connect(service.directPort!, '127.0.0.1').on('error', () => undefined);
  await once(socket, 'connect');
  cleanUps.push(() => socket.destroy());
  const tls = await startClientTls(socket, { alpn: [alpn] });
  return { socket, tls };
}

async function openH2(service: RunningService) {
  const { tls } = await open(service);
  const session = connectHttp2('https://service', { createConnection: () => tls.socket });
  session.on('error', () => undefined);
  const goaway = new Promise<string>((resolve) => {
    session.once('goaway', (_code, _last, opaque?: Buffer) => resolve(String(opaque)));
  });
  return { session, tls, goaway };
}

async function verify(session: ClientHttp2Session, scram: ScramClient): Promise<void> {
  const first = await request(session, '/session/verify', scram.first());
  const final = await request(session, '/session/verify', await scram.final(String(first.body)));
  scram.verify(String(final.body));
}

describe('a start that fails', () => {
  const failures: readonly [what: string, code: string, prepare: () => Promise<Partial<ServiceOptions>>][] = [
    ['for a wrong password', 'superadmin_password_wrong', async () => ({ superadminPassword: 'wrong' })],
    ['for no password', 'superadmin_password_required', async () => ({ superadminPassword: '' })],
    ['for damaged settings', 'settings_corrupt', () => damage('settings.json')],
    ['for a damaged certificate', 'certificate_corrupt', () => damage('e2ee.pem')],
    ['for a damaged request log', 'log_corrupt', damagedLog],
    ['for a port that is none', 'usage', async () => ({ directPort: Number('x') })],
    ['for a port that is taken', 'usage', takenPort],
  ];

  async function damage(name: string): Promise<Partial<ServiceOptions>> {
    const path = join(folder, name);
    const before = await readFile(path).catch(() => null);
    await writeFile(path, 'damaged '.repeat(1000), { mode: 0o600 });
    cleanUps.push(() => (before === null ? rm(path) : writeFile(path, before)));
    return {};
  }

  /** Its write-ahead log would mend it. */
  async function damagedLog(): Promise<Partial<ServiceOptions>> {
    for (const end of ['-wal', '-shm'])
      await rm(join(folder, 'requests', `requests.db${end}`), { force: true });
    return damage(join('requests', 'requests.db'));
  }

  async function takenPort(): Promise<Partial<ServiceOptions>> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanUps.push(() => server.close());
    return { directPort: (server.address() as AddressInfo).port };
  }

  it.each(failures)('%s says %s and frees the folder for the next', async (_what, code, prepare) => {
    const first = await start();
    await first.stop();
    cleanUps.length = 0;
    const options = await prepare();
    await expect(start(options)).rejects.toMatchObject({ code });
    for (const cleanUp of cleanUps.splice(0)) await cleanUp();
    const again = await start();
    expect([again.serviceId, again.fingerprint]).toEqual([first.serviceId, first.fingerprint]);
    expect([first.certificateCreated, again.certificateCreated]).toEqual([true, false]);
  });

  it('because another runs on the folder leaves that one alone', async () => {
    const first = await start();
    await expect(start()).rejects.toMatchObject({ code: 'data_folder_in_use' });
    const { session } = await openH2(first);
    expect((await request(session, '/rpc/ping', '')).status).toBe(200);
  });
});

describe('a running service', () => {
  it('ends sessions that stricter settings forbid, with their streams, within a second', async () => {
    const service = await start();
    const { session, goaway } = await openH2(service);
    const stream = startRequest(session, '/rpc/echo', { 'content-type': 'application/octet-stream' });
    stream.write('running');
    const answer = answerOf(stream);
    await once(stream, 'data');
    const changed = Date.now();
    const settings = await SettingsStore.open(folder);
    await settings.set('service.e2ee.require_e2ee_session_verification', true);
    expect(await goaway).toBe('access_token_required');
    expect((await answer).whole).toBe(false);
    expect(Date.now() - changed).toBeLessThan(1_000);
    const next = await openH2(service);
    expect(codeOf(await request(next.session, '/rpc/ping', ''))).toBe('access_token_required');
    const told = await request(next.session, '/rpc/capabilities', '');
    expect(JSON.parse(String(told.body))).toEqual({
      versions: [1],
      e2ee: { available: true, required: true, sessionVerificationRequired: true },
      h2: true,
    });
  });

  it('takes a new token up, and ends its sessions within a second of its revocation', async () => {
    const service = await start();
    const tokens = new AccessTokens(folder);
    const { id, token } = await tokens.create('anna');
    const { session, tls, goaway } = await openH2(service);
    const secret = parseAccessToken(token);
    await vi.waitFor(
      () => verify(session, new ScramClient({ ...secret, channelBinding: channelBinding(tls.socket) })),
      { timeout: 3_000, interval: 200 },
    );
    const other = await openH2(service);
    const revoked = Date.now();
    await tokens.revoke(id);
    expect(await goaway).toBe('access_token_rejected');
    expect(Date.now() - revoked).toBeLessThan(1_000);
    expect((await request(other.session, '/rpc/ping', '')).status).toBe(200);
  });

  it('serves a renewed certificate to new sessions, and goes on with those that are live', async () => {
    const onFingerprint = vi.fn();
    const service = await start({ onFingerprint });
    const { session } = await openH2(service);
    const secrets = await openServiceSecrets(folder, password);
    const { oldFingerprint, newFingerprint } = await renewCertificate(folder, secrets);
    await vi.waitFor(() => expect(onFingerprint).toHaveBeenCalledWith(newFingerprint), { timeout: 2_000 });
    expect((await open(service)).tls.certificate.sha256).toBe(newFingerprint);
    expect(service.fingerprint).toBe(newFingerprint);
    expect(oldFingerprint).not.toBe(newFingerprint);
    expect((await request(session, '/rpc/ping', '')).status).toBe(200);
  });

  it('that stops says so, lets what runs finish, and frees its folder and its port', async () => {
    const service = await start({ drainMs: 3_000 });
    const { session, goaway } = await openH2(service);
    const stream = startRequest(session, '/rpc/echo', { 'content-type': 'application/octet-stream' });
    const answer = answerOf(stream);
    stream.write('first ');
    await once(stream, 'data');
    const stopped = service.stop();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(codeOf(await request(session, '/rpc/ping', ''))).toBe('shutting_down');
    stream.end('last');
    expect(await answer).toMatchObject({ whole: true, status: 200 });
    expect(await goaway).toBe('shutting_down');
    await stopped;
    cleanUps.length = 0;
    await start({ directPort: service.directPort! });
  });
});
