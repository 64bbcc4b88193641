// The E2EE endpoint on a loopback port, without a relay: what `npm run bench` measures the relay against.
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import type { StreamAcceptor } from './endpoint/stream-acceptor.ts';

export interface DirectListener {
  readonly port: number;
  close(): void;
}

/** Listens on 127.0.0.1 alone. @throws GatehouseError `usage` where the port cannot be had */
export async function listenDirect(acceptor: StreamAcceptor, port: number): Promise<DirectListener> {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new GatehouseError('usage', 'A port is a whole number from 0 to 65535.');
  }
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.setNoDelay(true);
    acceptor.acceptDirect(socket, 'direct');
  });
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new GatehouseError('usage', `Port ${port} of 127.0.0.1 cannot be listened on.`, { cause }));
    });
    server.listen(port, '127.0.0.1', () => {
      const close = (): void => {
        server.close();
      };
      resolve({ port: (server.address() as AddressInfo).port, close });
    });
  });
}
