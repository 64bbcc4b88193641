// A WebSocket server that does as a test's script says, in the place of a relay.
// Must never serve outside tests: it checks nothing. Closed when the test that opened it has finished.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';

export interface ScriptedConnection {
  readonly ws: WebSocket;
  /** The text messages that came, parsed. */
  readonly received: unknown[];
  readonly path: string;
}

export interface ScriptedRelay {
  readonly url: URL;
  readonly connections: readonly ScriptedConnection[];
  /** Takes no more connections. */
  close(): void;
}

/** Runs `script` on each connection, which gets its number from 0. */
export async function listenAsRelay(
  script: (connection: ScriptedConnection, index: number) => void,
): Promise<ScriptedRelay> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  const connections: ScriptedConnection[] = [];
  server.on('connection', (ws, request) => {
    const connection: ScriptedConnection = { ws, received: [], path: request.url ?? '' };
    ws.on('message', (data: Buffer, isBinary) => {
      if (!isBinary) connection.received.push(JSON.parse(data.toString()));
    });
    ws.on('error', () => undefined);
    connections.push(connection);
    script(connection, connections.length - 1);
  });
  await once(server, 'listening');
  onTestFinished(() => {
    for (const each of server.clients) each.terminate();
    server.close();
  });
  const url = new URL(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return { url, connections, close: () => server.close() };
}

export function say(ws: WebSocket, message: unknown): void {
  ws.send(JSON.stringify(message));
}
