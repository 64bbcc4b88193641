// A relay whose word is false: what it says about itself, about clients, and about what the service can do, and what
// it does not say at all. No word of it opens anything, and none leads a client to send in the clear.
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Capabilities } from '../shared/contracts/capabilities.ts';
import type { WebSocket } from 'ws';
import { beginEnrolment } from '../shared/testing/enrolment-replay.ts';
import type { EnrolMessage, HalfOpenEnrolment } from '../shared/testing/enrolment-replay.ts';
import type { HostileScript, HostileStream } from '../shared/testing/hostile-relay.ts';
import { answerPlain, passOn, plainRequests, stopAfter } from '../shared/testing/hostile-streams.ts';
import { frame } from '../shared/testing/raw-peer.ts';
import { codeOf, HostileWorld } from './hostile/hostile-world.ts';
import { until } from './support/waiting.ts';

let world: HostileWorld;

beforeAll(async () => {
  world = await HostileWorld.start();
});

afterAll(async () => {
  await world.expectService();
  await world.close();
});

const honest: Capabilities = {
  versions: [1],
  e2ee: { available: true, required: true, sessionVerificationRequired: false },
  h2: true,
};
const changed = (e2ee: Partial<Capabilities['e2ee']>): Capabilities => ({
  ...honest,
  e2ee: { ...honest.e2ee, ...e2ee },
});
const onlyCapabilities = ['POST /rpc/capabilities HTTP/1.1'];

describe('forged plain capabilities', () => {
  it.each<[string, unknown, string | null]>([
    ['that are true', honest, null],
    ['that require no E2EE', changed({ required: false }), 'downgrade_detected'],
    ['that require a token', changed({ sessionVerificationRequired: true }), 'downgrade_detected'],
    ['without HTTP/2', { ...honest, h2: false }, 'downgrade_detected'],
    ['of more versions', { ...honest, versions: [1, 2] }, 'downgrade_detected'],
    ['of other versions', { ...honest, versions: [7] }, 'version_unsupported'],
    ['of no known form', { e2ee: 'none' }, 'rpc_failed'],
    ['that are no object', 'no', 'rpc_failed'],
  ])('%s end in a code that says so', async (_name, json, code) => {
    await world.play({ onStream: answerPlain(json) });
    expect(await codeOf(world.open({}))).toBe(code);
    expect(plainRequests(world.relay)).toEqual(onlyCapabilities);
    expect(world.warnings).toEqual([]);
  });

  it('without E2EE reach a client that does not know better only with a warning, and the service refuses', async () => {
    await world.play({ onStream: answerPlain(changed({ available: false })) });
    const service = await world.open({});
    expect(plainRequests(world.relay)).toEqual(onlyCapabilities);
    expect(world.warnings).toEqual([expect.stringContaining('WITHOUT end-to-end encryption')]);
    world.relay.script = {};
    expect(await codeOf(service.call('ping'))).toBe('e2ee_required');
  });

  it('are not even asked for by a client with the fingerprint', async () => {
    await world.play({ onStream: answerPlain(changed({ available: false })) });
    await (await world.open()).call('ping');
    expect(world.relay.recordings.map(({ header }) => header.kind)).toEqual(['e2ee']);
  });

  it.each(['when_available', 'never'])(
    'never bring the command line to plaintext (--e2ee %s) for a service that it has seen with E2EE',
    async (when) => {
      const call = (...flags: string[]) =>
        world.home.run('call', world.serviceId, 'ping', '--relay', world.relay.url, '--json', ...flags);
      await world.play({});
      expect((await call()).exitCode).toBe(0);
      await world.play({ onStream: answerPlain(changed({ available: false, required: false })) });
      const { exitCode, json, stderr } = await call('--e2ee', when);
      expect([exitCode, json]).toEqual([
        1,
        { error: expect.objectContaining({ code: 'downgrade_detected' }) },
      ]);
      expect(plainRequests(world.relay)).toEqual(onlyCapabilities);
      expect(stderr).not.toContain('pong');
    },
  );
});

describe('a failed handshake', () => {
  const honestButFor = (e2ee: (stream: HostileStream) => void) => (stream: HostileStream) => {
    if (stream.header.kind === 'e2ee') e2ee(stream);
    else passOn()(stream);
  };
  it.each<[string, (stream: HostileStream) => void, string]>([
    [
      'garbage in the place of TLS',
      (stream) => void stream.accept().write('HTTP/1.1 200 OK\r\n\r\n'),
      'e2ee_handshake_failed',
    ],
    ['an end in the place of TLS', (stream) => void stream.accept().end(), 'e2ee_handshake_failed'],
    ['a reset in the place of TLS', (stream) => void stream.accept().destroy(), 'e2ee_handshake_failed'],
    ['silence in the place of TLS', (stream) => void stream.accept().resume(), 'e2ee_handshake_failed'],
    [
      'a handshake cut off',
      passOn({ tampering: () => ({ toClient: stopAfter(200, 'cut') }) }),
      'e2ee_handshake_failed',
    ],
    [
      'a handshake ended',
      passOn({ tampering: () => ({ toClient: stopAfter(200, 'end') }) }),
      'e2ee_handshake_failed',
    ],
  ])('by %s is never followed by plaintext', async (_name, onStream, code) => {
    await world.play({ onStream: honestButFor(onStream) });
    expect(await codeOf(world.open({}))).toBe(code);
    expect(plainRequests(world.relay)).toEqual(onlyCapabilities);
    expect(world.warnings).toEqual([]);
  });
});

const welcome = (more: object): string =>
  JSON.stringify({ type: 'welcome', v: 1, clientId: 'anna', domain: 'X', ...more });

describe('an opening', () => {
  it.each<[string, HostileScript, string]>([
    ['that never comes', { welcome: null }, 'relay_unreachable'],
    ['that is no JSON', { welcome: 'welcome!' }, 'relay_protocol'],
    ['of another type', { welcome: welcome({ type: 'challenge' }) }, 'relay_protocol'],
    ['of another version', { welcome: welcome({ v: 2 }) }, 'relay_protocol'],
    ['of more than 16 KiB', { welcome: welcome({ domain: 'x'.repeat(17 * 1024) }) }, 'relay_protocol'],
    ['of 900 KiB', { welcome: welcome({ padding: 'x'.repeat(900 * 1024) }) }, 'relay_protocol'],
    [
      'that claims a check of the client',
      {
        welcome: JSON.stringify({
          type: 'refused',
          v: 1,
          error: { code: 'fingerprint_mismatch', message: 'x' },
        }),
      },
      'relay_protocol',
    ],
  ])('%s is an error with a code that says so', async (_name, script, code) => {
    await world.play(script);
    expect(await codeOf(world.client())).toBe(code);
  });

  it('cannot steer a terminal through the names in it', async () => {
    await world.play({ welcome: welcome({ clientId: '\u001b[2Janna', domain: 'A\u202eB\n' }) });
    const { clientId, domainName } = await world.client();
    expect(`${clientId}${domainName}`).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});

const oversized = Buffer.concat([Buffer.from([0x20, 0x00]), Buffer.alloc(8192, 0x20)]);
const answers = (answer: Uint8Array): HostileScript => ({ onStream: (stream) => void stream.accept(answer) });
const prefixed = (json: unknown): Buffer => {
  const text = Buffer.from(JSON.stringify(json));
  return Buffer.concat([Buffer.from([text.length >> 8, text.length & 255]), text]);
};

describe('the answer to a stream', () => {
  it.each<[string, HostileScript, string]>([
    ['that never comes', { onStream: () => undefined }, 'timeout'],
    ['that is larger than allowed', answers(oversized), 'header_too_large'],
    ['that is no JSON', answers(Buffer.from([0, 2, 0x7b, 0x7b])), 'header_malformed'],
    ['of no known form', answers(prefixed({ v: 1 })), 'relay_protocol'],
    [
      'that says yes where nobody is',
      { onStream: (stream) => void stream.accept() },
      'e2ee_handshake_failed',
    ],
    [
      'that claims a verdict of the service',
      answers(prefixed({ v: 1, ok: false, error: { code: 'access_token_rejected', message: 'x' } })),
      'relay_protocol',
    ],
    [
      'from a service that gets it for another id',
      { onStream: passOn({ header: { serviceId: 'aaaa-aaaa-aaaa' } }) },
      'service_offline',
    ],
    [
      'from a service that gets it as another kind',
      // The service takes such streams, but nothing on them is TLS.
      { onStream: passOn({ header: { kind: 'device' } }) },
      'e2ee_handshake_failed',
    ],
  ])('%s is an error with a code that says so', async (_name, script, code) => {
    await world.play(script);
    expect(await codeOf(world.open())).toBe(code);
  });

  it.each<[string, (duplex: Duplex) => void]>([
    ['a reset', (duplex) => duplex.destroy()],
    ['an end', (duplex) => duplex.end()],
  ])('with %s at once after it on a plain stream is an error with a code', async (_name, end) => {
    await world.play({ onStream: (stream) => end(stream.accept()) });
    expect(await codeOf(world.open({}))).toBe('session_ended');
  });
});

/** A port of 127.0.0.1 that nobody listened on a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

describe('an enrolment that a relay passes on', () => {
  it.each<[string, (enrol: EnrolMessage, url: string) => EnrolMessage, string]>([
    ['as it is', (enrol) => enrol, 'relay_url_mismatch'],
    ['with the URL exchanged', (enrol, url) => ({ ...enrol, url }), 'not_authorised'],
  ])('%s is refused by the other relay', async (_name, change, code) => {
    // Without a public URL a relay on loopback takes proofs for any port of it (issue 2).
    const address = `127.0.0.1:${await freePort()}`;
    const url = `ws://${address}`;
    const data = ['--data', world.home.path(code), '--public-url', url];
    const other = world.home.spawn('relay', '--open', '--listen', address, ...data, '--json');
    await other.event('ready');
    let begun: HalfOpenEnrolment | undefined;
    let answer: Promise<string | null> | undefined;
    const before = world.relay.enrolled;
    await world.play({
      nonce: async () => (begun = await beginEnrolment(new URL(url))).nonce,
      onEnrol: (enrol) => {
        answer ??= begun?.answer(change(enrol, url));
      },
    });
    world.relay.dropService();
    await until('the service has enrolled again', () => world.relay.enrolled > before, 20_000);
    expect(await answer).toBe(code);
    const { json } = await world.home.run('services', '--relay', url, '--json');
    expect(json).toMatchObject({ services: [] });
    await other.end();
  });
});

describe('a service whose relay breaks the protocol', () => {
  const challenge = JSON.stringify({
    type: 'challenge',
    v: 1,
    nonce: Buffer.alloc(32).toString('base64url'),
  });
  const welcomed = (then: (ws: WebSocket) => void) => (ws: WebSocket) => {
    ws.send(challenge);
    ws.once('message', () => {
      ws.send(JSON.stringify({ type: 'welcome', v: 1, domain: 'X', serviceId: 'aaaa-aaaa-aaaa' }));
      then(ws);
    });
  };
  const nasty: ((ws: WebSocket) => void)[] = [
    (ws) => ws.send('{"type":"challenge","v":1,"nonce":"short"}'),
    welcomed((ws) => ws.send(Buffer.alloc(100, 0xff))),
    welcomed((ws) => {
      // Streams beyond all limits, each with a header that is none; then a frame of a stream that never was.
      for (let id = 2; id < 10_000; id += 2)
        ws.send(Buffer.concat([frame(1, 1, id), frame(0, 0, id, Buffer.alloc(9, 0xff))]));
      ws.send(frame(0, 0, 3, Buffer.alloc(1)));
    }),
  ];

  it('dials again each time, and is itself afterwards', async () => {
    // A service of its own: its back-off begins anew.
    const world = await HostileWorld.start();
    let met = 0;
    world.relay.script = {
      onService: (ws) => {
        nasty[met]?.(ws);
        met += 1;
        if (met === nasty.length) world.relay.script = {};
      },
    };
    world.relay.dropService();
    await until(
      'the service has met them all',
      () => met === nasty.length && world.relay.serviceOnline,
      50_000,
    );
    await world.expectService();
    await world.close();
  });
});
