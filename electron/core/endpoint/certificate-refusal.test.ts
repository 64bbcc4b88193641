// Clients that refuse the service's certificate, and others that go away for reasons of their own.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { startClientTls } from '../../../shared/e2ee/tunnel.ts';
import { encodePrefixed, readPrefixed } from '../../../shared/net/prefixed.ts';
import { StreamDuplex } from '../../../shared/net/stream-duplex.ts';
import { MemoryWire } from '../../../shared/testing/memory-wire.ts';
import { sampleServiceId, SampleEndpoint, until } from './endpoint-samples.ts';

const opened: { close(): unknown }[] = [];
const wrong = '0f'.repeat(32);
const quiet = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 150));

afterEach(() => {
  for (const each of opened.splice(0)) each.close();
});

function open() {
  const onComplaint = vi.fn<(clientId: string) => void>();
  const endpoint = new SampleEndpoint({ onComplaint });
  opened.push(endpoint);
  return { endpoint, onComplaint, log: endpoint.log };
}

/** A port of loopback that the endpoint serves without a relay. */
async function openPort(endpoint: SampleEndpoint): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    endpoint.acceptor.acceptDirect(socket, 'anna');
  });
  server.listen(0, '127.0.0.1');
  opened.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** The client's end of a stream through the wire of a relay. */
async function openStream(endpoint: SampleEndpoint): Promise<{ duplex: StreamDuplex; wire: MemoryWire }> {
  const wire = new MemoryWire({ onStream: (stream) => endpoint.acceptor.accept(stream) });
  const timer = setInterval(() => wire.settle(), 1);
  opened.push({ close: () => clearInterval(timer) });
  const stream = wire.dialler.session.open();
  stream.write(encodePrefixed({ v: 1, kind: 'e2ee', serviceId: sampleServiceId, clientId: 'anna' }));
  const rest = await new Promise<Uint8Array>((resolve, reject) => {
    readPrefixed(stream, 5_000, { arrived: (prefixed) => resolve(prefixed.rest), failed: reject });
  });
  const duplex = new StreamDuplex(stream, rest);
  duplex.on('error', () => undefined);
  return { duplex, wire };
}

function openssl(port: number, ...args: readonly string[]): ChildProcess {
  const where = ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_3', '-alpn', 'h2'];
  const child = spawn('openssl', [...where, ...args], { stdio: ['pipe', 'ignore', 'ignore'] });
  opened.push({ close: () => child.kill() });
  return child;
}

describe('a fingerprint complaint', () => {
  it.each(['h2', 'http/1.1'] as const)('is made by a client with another fingerprint, %s', async (alpn) => {
    const { endpoint, onComplaint, log } = open();
    const { duplex } = await openStream(endpoint);
    const refused = startClientTls(duplex, { alpn: [alpn], fingerprint: wrong });
    await expect(refused).rejects.toMatchObject({ code: 'fingerprint_mismatch' });
    await until(() => onComplaint.mock.calls.length === 1);
    await quiet();
    expect(onComplaint.mock.calls).toEqual([['anna']]);
    expect(log.rejected).toMatchObject([{ rejectionCode: 'e2ee_handshake_failed', clientId: 'anna' }]);
    expect(endpoint.sessions.live()).toEqual([]);
  });

  it('is made by a client that sends a TLS alert', async () => {
    const { endpoint, onComplaint, log } = open();
    const child = openssl(await openPort(endpoint), '-verify_return_error', '-verify', '1');
    await once(child, 'exit');
    await until(() => onComplaint.mock.calls.length === 1);
    expect(onComplaint.mock.calls).toEqual([['anna']]);
    expect(log.rejected).toMatchObject([{ rejectionCode: 'e2ee_handshake_failed' }]);
  });
});

describe('no complaint is made by', () => {
  it('a client that has spoken HTTP/2 and goes without a request', async () => {
    const { endpoint, onComplaint } = open();
    const { session } = await endpoint.openH2();
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    session.destroy();
    await until(() => endpoint.sessions.live().length === 0);
    await quiet();
    expect(onComplaint).not.toHaveBeenCalled();
  });

  it('a session that the service ends', async () => {
    const onComplaint = vi.fn();
    const endpoint = new SampleEndpoint({ onComplaint, unusedSessionMs: 30 });
    opened.push(endpoint);
    await endpoint.openTls('http/1.1');
    await until(() => endpoint.sessions.live().length === 1);
    await until(() => endpoint.sessions.live().length === 0);
    await quiet();
    expect(onComplaint).not.toHaveBeenCalled();
  });

  it('a connection to the relay that is lost', async () => {
    const { endpoint, onComplaint } = open();
    const { duplex, wire } = await openStream(endpoint);
    await startClientTls(duplex, { alpn: ['h2'] });
    await until(() => endpoint.sessions.live().length === 1);
    wire.listener.session.close(new GatehouseError('wire_closed', 'The relay is gone.'));
    await until(() => endpoint.sessions.live().length === 0);
    await quiet();
    expect(onComplaint).not.toHaveBeenCalled();
  });

  it.each([
    ['nothing', ''],
    ['something that is no TLS', 'GET / HTTP/1.1\r\n\r\n'],
    ['half of a handshake', '\x16\x03\x01\x02\x00'],
    ['a handshake that is none', '\x16\x03\x01\x00\x04\x01\x00\x00\x00'],
  ])('a stranger who sends %s and goes', async (_what, first) => {
    const { endpoint, onComplaint, log } = open();
    const { duplex } = await openStream(endpoint);
    if (first !== '') duplex.write(first);
    duplex.end();
    await until(() => log.rejected.length === 1);
    expect(onComplaint).not.toHaveBeenCalled();
  });
});
