// A relay that lies, against the real service and the real client: each attack ends in the promised code, and what
// must not happen did not. Bytes changed on the way are in hostile-streams.test.ts.
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { intercept, passOn, replay } from '../shared/testing/hostile-streams.ts';
import type { Tamper } from '../shared/testing/hostile-streams.ts';
import { post, verifyBy } from '../shared/testing/raw-client.ts';
import type { RawAnswer } from '../shared/testing/raw-client.ts';
import { tracesOf } from '../shared/testing/secret-traces.ts';
import { makeTestCertificate } from '../shared/testing/test-certificate.ts';
import { codeOf, HostileWorld } from './hostile/hostile-world.ts';
import { until } from './support/waiting.ts';

const impostor = makeTestCertificate('impostor');
const impostorFingerprint = createHash('sha256').update(impostor.der).digest('hex');

let world: HostileWorld;
let accessToken: string;

beforeAll(async () => {
  world = await HostileWorld.start();
  accessToken = await world.accessToken('anna');
});

afterAll(async () => {
  await world.expectService();
  await world.close();
});

/** All that the relay has read inside TLS that it ended itself. */
function insideFromClients(): Buffer {
  return Buffer.concat(world.relay.recordings.flatMap((each) => each.insideFromClient));
}

function serverFirsts(): string[] {
  const inside = Buffer.concat(world.relay.recordings.flatMap((each) => each.insideFromService));
  return inside.toString('latin1').match(/r=[^,\r\n]+,s=[A-Za-z0-9+/=]+,i=\d+/g) ?? [];
}

describe('a man in the middle who ends TLS himself', () => {
  it.each([
    ['over HTTP/2', true],
    ['over HTTP/1.1', false],
  ])('gets no byte from a client that was given the fingerprint and a token, %s', async (_name, h2) => {
    await world.play({ onStream: intercept({ certificate: impostor }) });
    const credentials = { e2eeFingerprint: world.fingerprint, accessToken };
    const refused = await world
      .open(credentials, { useH2WhenAvailable: h2 })
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({
      code: 'fingerprint_mismatch',
      details: { expected: world.fingerprint, offered: impostorFingerprint },
    });
    expect(world.relay.recordings.map(({ header }) => header.kind)).toEqual(['e2ee']);
    expect(insideFromClients()).toHaveLength(0);
    expect(tracesOf(accessToken, world.relay.kept)).toEqual([]);
  });

  it('is not even dialled by a client with a token and no fingerprint', async () => {
    await world.play({ onStream: intercept({ certificate: impostor }) });
    const client = await world.client();
    world.relay.forget();
    expect(await codeOf(client.serviceCloud(world.serviceId, { accessToken }))).toBe('fingerprint_required');
    const file = world.home.secret('token', accessToken);
    const flags = ['--relay', world.relay.url, '--access-token-file', file, '--json'];
    const { exitCode } = await world.home.run('call', world.serviceId, 'ping', ...flags);
    expect(exitCode).toBe(2);
    expect(world.relay.upgrades).toEqual([]);
    expect(world.relay.recordings).toEqual([]);
  });

  it('is there to be seen in what a client without a fingerprint is told', async () => {
    await world.play({ onStream: intercept({ certificate: impostor }) });
    const service = await world.open({}, { useH2WhenAvailable: false });
    await service.call('ping');
    const { e2ee } = service.requests.at(-1)!;
    expect(e2ee).toMatchObject({ e2eeUsed: true, verifiedBy: 'none', sessionVerified: false });
    expect(e2ee.sha256HashHexdigest).toBe(impostorFingerprint);
    expect(insideFromClients().includes('/rpc/ping')).toBe(true);
    expect(world.rows().at(-1)).toMatchObject({ verified_by: 'none', session_verified: 0 });
  });
});

/** Puts `change` in the place of what a client says inside TLS. */
const saying =
  (change: (text: string) => string): Tamper =>
  (chunk) => [Buffer.from(change(chunk.toString('latin1')), 'latin1')];
const proofAccepted = (body: string): string =>
  `HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

describe('session verification through a man in the middle', () => {
  /** A client that checks no fingerprint and verifies all the same, and what it may do afterwards. */
  async function verifyAnyway() {
    return world.raw(async (client) => {
      const socket = await client.openTls(world.serviceId, { ALPNProtocols: ['http/1.1'] });
      const { answer, verdict } = await verifyBy(socket, accessToken);
      const call = await post(socket, '/rpc/ping', '');
      return { answer, verdict, call };
    });
  }
  const codeIn = ({ body }: RawAnswer): unknown =>
    (JSON.parse(body) as { error: { code: unknown } }).error.code;

  beforeAll(() => world.requireVerification(true));
  afterAll(() => world.requireVerification(false));

  it('succeeds where nobody is in the middle, so that what follows proves something', async () => {
    await world.play({});
    const { answer, verdict, call } = await verifyAnyway();
    expect([answer.status, verdict, call.status]).toEqual([200, null, 200]);
  });

  it('fails at both ends where the messages are passed on as they are', async () => {
    await world.play({ clientId: 'client-1', onStream: intercept({ certificate: impostor }) });
    const { answer, verdict, call } = await verifyAnyway();
    expect([answer.status, codeIn(answer)]).toEqual([403, 'verification_failed']);
    expect(verdict).not.toBeNull();
    expect([call.status, codeIn(call)]).toEqual([401, 'access_token_required']);
    expect(insideFromClients().includes('p=tls-exporter')).toBe(true);
    expect(serverFirsts()).toHaveLength(1);
    expect(tracesOf(accessToken, world.relay.kept, serverFirsts())).toEqual([]);
  });

  it('fails at the service where the binding is exchanged for his own', async () => {
    const tampering = ({ service }: { service: Buffer }) => ({
      toService: saying((text) => {
        const rebound = Buffer.concat([Buffer.from('p=tls-exporter,,'), service]).toString('base64');
        return text.replace(/c=[A-Za-z0-9+/=]+/, `c=${rebound}`);
      }),
    });
    await world.play({ clientId: 'client-2', onStream: intercept({ certificate: impostor, tampering }) });
    const { answer, call } = await verifyAnyway();
    expect([answer.status, codeIn(answer)]).toEqual([403, 'access_token_rejected']);
    expect(call.status).toBe(401);
  });

  it('fails at the client where he makes the proof of the service up', async () => {
    const tampering = () => ({
      toClient: saying((text) =>
        text.startsWith('HTTP/1.1 403') ? proofAccepted(`v=${randomBytes(32).toString('base64')}`) : text,
      ),
    });
    await world.play({ clientId: 'client-3', onStream: intercept({ certificate: impostor, tampering }) });
    const { answer, verdict, call } = await verifyAnyway();
    expect(answer.status).toBe(200);
    expect(verdict).toMatchObject({ code: 'service_not_verified' });
    expect(call.status).toBe(401);
  });

  it('fails where the proof of one session is given in another', async () => {
    await world.play({ clientId: 'client-4', onStream: intercept({ certificate: impostor }) });
    await verifyAnyway();
    const messages = insideFromClients()
      .toString('latin1')
      .match(/\r\n\r\n(p=tls-exporter[^\r\n]*n=[^,]+,r=[A-Za-z0-9+/]{32}|c=[^\r\n]*p=[A-Za-z0-9+/]{43}=)/g);
    const [first = '', final = ''] = (messages ?? []).map((message) => message.trim());
    expect([first.slice(0, 2), final.slice(0, 2)]).toEqual(['p=', 'c=']);
    await world.play({ clientId: 'client-5' });
    await world.raw(async (client) => {
      const socket = await client.openTls(world.serviceId, { ALPNProtocols: ['http/1.1'] });
      expect((await post(socket, '/session/verify', first)).status).toBe(200);
      expect(codeIn(await post(socket, '/session/verify', final))).toBe('verification_failed');
      expect((await post(socket, '/rpc/ping', '')).status).toBe(401);
    });
  });
});

describe('a captured session', () => {
  it('yields nothing when all bytes of its client are played to the service again', async () => {
    await world.play({});
    const service = await world.open({ e2eeFingerprint: world.fingerprint, accessToken });
    await service.call('ping');
    expect(service.requests.at(-1)?.e2ee.sessionVerified).toBe(true);
    const [recording] = world.relay.recordings;
    const before = world.requestCount();
    const answer = await replay(world.relay, recording!);
    // The handshake's own messages, an alert, and nothing after it.
    expect(answer.length).toBeLessThan(Buffer.concat(recording!.fromService).length);
    expect(world.requestCount()).toBe(before);
    await until('the replay is on record as a rejection', () =>
      world.rows().some((row) => row.rejection_code === 'e2ee_handshake_failed'),
    );
    expect(world.requestCount()).toBe(before);
  });

  it('is not resumed by whoever holds its TLS session', async () => {
    await world.play({});
    await world.raw(async (client) => {
      const first = await client.openTls(world.serviceId, { ALPNProtocols: ['http/1.1'] });
      const captured: Buffer[] = [];
      first.on('session', (session) => captured.push(session));
      expect((await post(first, '/rpc/capabilities', '')).status).toBe(200);
      captured.push(first.getSession() ?? Buffer.alloc(0));
      for (const session of captured) {
        const again = await client.openTls(world.serviceId, { ALPNProtocols: ['http/1.1'], session });
        expect(again.isSessionReused()).toBe(false);
      }
    });
  });
});

describe('a forged client id', () => {
  it('is a label in the log, and grants nothing', async () => {
    await world.requireVerification(true);
    await world.play({ onStream: passOn({ header: { clientId: 'superadmin' } }) });
    try {
      expect(await codeOf(world.open())).toBe('access_token_required');
      const service = await world.open({ e2eeFingerprint: world.fingerprint, accessToken });
      await service.call('ping');
      expect(world.rows().at(-1)).toMatchObject({
        client_id: 'superadmin',
        remote_user: 'anna',
        session_verified: 1,
      });
    } finally {
      await world.requireVerification(false);
    }
  });
});
