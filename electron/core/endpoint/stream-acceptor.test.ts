// Streams as a relay opens them: every header that is not right is answered with its code, every place that a
// stream took is given back however it ends, and one connection of many requests bypasses nothing.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { startClientTls } from '../../../shared/e2ee/tunnel.ts';
import { encodePrefixed, readPrefixed } from '../../../shared/net/prefixed.ts';
import { StreamDuplex } from '../../../shared/net/stream-duplex.ts';
import { parseStreamAnswer } from '../../../shared/net/stream-header.ts';
import { MemoryWire } from '../../../shared/testing/memory-wire.ts';
import { sampleServiceId, SampleEndpoint, until } from './endpoint-samples.ts';
import type { SampleOptions } from './endpoint-samples.ts';

const opened: { close(): void }[] = [];
const right = { v: 1, kind: 'plain', serviceId: sampleServiceId, clientId: 'anna' };

afterEach(() => {
  vi.useRealTimers();
  for (const each of opened.splice(0)) each.close();
});

function makeRelay(options: SampleOptions = {}) {
  const endpoint = new SampleEndpoint(options);
  const wire = new MemoryWire({ onStream: (stream) => endpoint.acceptor.accept(stream) });
  const timer = setInterval(() => wire.settle(), 1);
  opened.push(endpoint, { close: () => clearInterval(timer) });
  return { endpoint, wire, log: endpoint.log };
}

/** Opens a stream with these first bytes; the answer's code, or how the stream ended. */
function openStream(
  wire: MemoryWire,
  first: Uint8Array,
): Promise<{ code: string; duplex: StreamDuplex | null }> {
  const stream = wire.dialler.session.open();
  stream.write(first);
  return new Promise((resolve) => {
    readPrefixed(stream, 5_000, {
      failed: ({ code }) => resolve({ code, duplex: null }),
      arrived: ({ json, rest }) => {
        const duplex = new StreamDuplex(stream, rest);
        duplex.on('error', () => undefined);
        try {
          parseStreamAnswer(json);
          resolve({ code: 'ok', duplex });
        } catch (error) {
          resolve({ code: (error as GatehouseError).code, duplex });
        }
      },
    });
  });
}

async function openPlain(wire: MemoryWire, rest = ''): Promise<{ duplex: StreamDuplex; text(): string }> {
  const { duplex } = await openStream(wire, Buffer.concat([encodePrefixed(right), Buffer.from(rest)]));
  let text = '';
  duplex?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return { duplex: duplex!, text: () => text };
}

const post = (rpc: string): string => `POST /rpc/${rpc} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n`;

const headers: readonly [what: string, first: Uint8Array, code: string, logged: string][] = [
  [
    'for another service',
    encodePrefixed({ ...right, serviceId: 'zzzz-zzzz-zzzz' }),
    'service_offline',
    'service_offline',
  ],
  ['of kind device', encodePrefixed({ ...right, kind: 'device' }), 'not_authorised', 'not_authorised'],
  ['of kind blob', encodePrefixed({ ...right, kind: 'blob' }), 'not_authorised', 'not_authorised'],
  ['of an unknown kind', encodePrefixed({ ...right, kind: 'x' }), 'header_malformed', 'header_malformed'],
  ['of version 2', encodePrefixed({ ...right, v: 2 }), 'header_malformed', 'header_malformed'],
  ['without a service', encodePrefixed({ v: 1, kind: 'plain' }), 'header_malformed', 'header_malformed'],
  [
    'with a long client id',
    encodePrefixed({ ...right, clientId: 'x'.repeat(300) }),
    'header_malformed',
    'header_malformed',
  ],
  ['that is a list', encodePrefixed([]), 'header_malformed', 'header_malformed'],
  ['that is no JSON', Buffer.from('\0\x05hello'), 'header_malformed', 'header_malformed'],
  [
    'that says it is too long',
    Buffer.from('\xff\xffhello', 'latin1'),
    'header_too_large',
    'header_too_large',
  ],
];

describe('a header', () => {
  it.each(headers)(
    '%s ends its own stream alone, with a code and a row',
    async (_what, first, code, logged) => {
      const { endpoint, wire, log } = makeRelay();
      const answer = await openStream(wire, first);
      expect(answer.code).toBe(code);
      expect(log.rejected).toMatchObject([{ rpcName: '', rejectionCode: logged, e2eeUsed: false }]);
      expect(endpoint.sessions.live()).toEqual([]);
      expect((await openPlain(wire, post('capabilities'))).duplex).toBeDefined();
    },
  );

  it('that does not come ends its stream in time', async () => {
    const { wire, log } = makeRelay({ headerTimeoutMs: 30 });
    expect((await openStream(wire, Buffer.from([0]))).code).toBe('header_timeout');
    expect(log.rejected).toMatchObject([{ rejectionCode: 'header_timeout' }]);
  });

  it('that is refused leaves no stream behind, also where the other end never closes', async () => {
    vi.useFakeTimers();
    const endpoint = new SampleEndpoint();
    const wire = new MemoryWire({ onStream: (stream) => endpoint.acceptor.accept(stream) });
    wire.dialler.session.open().write(encodePrefixed({ ...right, kind: 'device' }));
    wire.settle();
    expect(wire.listener.session.streamCount).toBe(1);
    await vi.advanceTimersByTimeAsync(2_000);
    wire.settle();
    expect([wire.listener.session.streamCount, wire.dialler.session.streamCount]).toEqual([0, 0]);
  });
});

describe('a plain stream', () => {
  it('answers capabilities alone where E2EE is required, also to many requests in a row', async () => {
    const { wire, log } = makeRelay();
    const { text } = await openPlain(
      wire,
      post('capabilities') + post('ping') + post('capabilities') + post('echo'),
    );
    await until(() => text().split('HTTP/1.1 ').length === 5);
    const statuses = [...text().matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
    expect(statuses).toEqual([200, 403, 200, 403]);
    expect(log.begun.map((row) => [row.rpcName, row.e2eeUsed])).toEqual(
      Array(2).fill(['capabilities', false]),
    );
    expect(log.rejected.map((row) => [row.rpcName, row.rejectionCode])).toEqual([
      ['ping', 'e2ee_required'],
      ['echo', 'e2ee_required'],
    ]);
  });

  it('never verifies a session', async () => {
    const settings = { 'service.e2ee.require_e2ee': false };
    const { wire, log } = makeRelay({ settings });
    const { text } = await openPlain(wire, post('ping').replace('/rpc/ping', '/session/verify'));
    await until(() => text().includes('\r\n\r\n{'));
    expect(text()).toContain('rpc_unknown');
    expect(log.rejected).toMatchObject([{ rpcName: '', rejectionCode: 'rpc_unknown' }]);
  });

  it('is cut where the settings forbid it from now on', async () => {
    const settings = { 'service.e2ee.require_e2ee': false };
    const { endpoint, wire } = makeRelay({ settings });
    const { duplex, text } = await openPlain(wire, post('ping'));
    await until(() => text().includes('pong'));
    const closed = new Promise((resolve) => duplex.once('close', resolve));
    endpoint.sessions.endWhere(() => new GatehouseError('e2ee_required', 'No more.'));
    await closed;
    expect(endpoint.sessions.live()).toEqual([]);
  });
});

describe('a place', () => {
  const limits = { maxSessions: 1 };
  const ends: readonly [what: string, run: (wire: MemoryWire) => Promise<unknown>][] = [
    ['a refusal', (wire) => openStream(wire, encodePrefixed({ ...right, kind: 'device' }))],
    ['the end of a plain stream', async (wire) => (await openPlain(wire)).duplex.destroy()],
    [
      'garbage in the place of a handshake',
      async (wire) => {
        const first = Buffer.concat([
          encodePrefixed({ ...right, kind: 'e2ee' }),
          Buffer.from('GET / HTTP/1.1\r\n\r\n'),
        ]);
        return openStream(wire, first);
      },
    ],
    [
      'a handshake that is cut',
      async (wire) => (await openStream(wire, encodePrefixed({ ...right, kind: 'e2ee' }))).duplex?.destroy(),
    ],
    [
      'the end of a TLS session',
      async (wire) => {
        const { duplex } = await openStream(wire, encodePrefixed({ ...right, kind: 'e2ee' }));
        (await startClientTls(duplex!, { alpn: ['http/1.1'] })).socket.destroy();
      },
    ],
  ];

  it.each(ends)('is given back after %s', async (_what, run) => {
    const { endpoint, wire } = makeRelay({ limits });
    await run(wire);
    await vi.waitFor(() => endpoint.sessions.takePlace('next')());
    expect(endpoint.sessions.live()).toEqual([]);
  });

  it('that is not free refuses the stream by its code', async () => {
    const { wire, log } = makeRelay({ limits });
    await openPlain(wire);
    expect((await openStream(wire, encodePrefixed(right))).code).toBe('limit_exceeded');
    expect(log.rejected).toMatchObject([{ rejectionCode: 'limit_exceeded', clientId: 'anna' }]);
  });

  it('is given back where the whole connection to the relay is lost', async () => {
    const { endpoint, wire } = makeRelay({ limits });
    await openPlain(wire);
    wire.listener.session.close(new GatehouseError('wire_closed', 'Lost.'));
    await vi.waitFor(() => endpoint.sessions.takePlace('next')());
  });
});
