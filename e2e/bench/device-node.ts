// The bench's client in Node, and a TLS 1.3 handshake beside its session start, which only a program can time.
import { connect } from 'node:tls';
import type { TokenProvider } from '../../shared/device/index.ts';
import { BenchClient, type DeviceClient, type Entrance } from './device-client.ts';

export async function enterFromNode(tokens: TokenProvider, entrance: Entrance): Promise<DeviceClient> {
  const client = await BenchClient.enter(tokens, entrance);
  return {
    load: (...args) => client.load(...args),
    download: (...args) => client.download(...args),
    start: (way) => (way === 'plain' ? handshake(entrance.relay) : client.start(way)),
  };
}

/** A new connection and its handshake, in milliseconds. */
function handshake(relay: string): Promise<number> {
  const { hostname: host, port } = new URL(relay);
  const before = performance.now();
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port), servername: host, minVersion: 'TLSv1.3' }, () => {
      resolve(performance.now() - before);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}
