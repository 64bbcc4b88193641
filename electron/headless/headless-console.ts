// The console for a server without a display: the same page and the same calls as on the desktop, over HTTPS on this
// machine's own loopback unless something else was asked for by name.
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { Console } from '../core/api/console.ts';
import { SetupKey } from '../core/api/setup-key.ts';
import type { Installation } from '../core/installation.ts';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { BrowserSessions } from './browser-sessions.ts';
import { openConsoleCertificate } from './console-certificate.ts';
import { ConsoleServer } from './console-server.ts';
import { EventSockets } from './event-sockets.ts';
import { hostAndPort, namesOf } from './listen-address.ts';
import type { ListenAddress } from './listen-address.ts';
import { readPageFiles } from './page-files.ts';

export interface HeadlessOptions {
  readonly installation: Installation;
  readonly address: ListenAddress;
  /** Where the port is taken, the next free one is. */
  readonly nextFreePort: boolean;
  /** The folder of the built page. */
  readonly page: string;
  readonly logger: Logger;
}

export interface HeadlessConsole {
  /** For the person at this terminal: on a first run it holds the set-up key. */
  readonly url: string;
  /** SHA-256 of the console's own certificate, 64 lower-case hex digits. */
  readonly certificateSha256: string;
  close(): Promise<void>;
}

/** Ports looked at beyond one that is taken. */
const portsTried = 20;
/** Bounds on what strangers' connections may take. */
const limits = {
  connections: 512,
  headerBytes: 16 * 1024,
  /** Milliseconds for the handshake, the headers, and a whole request. */
  handshakeMs: 10_000,
  headersMs: 10_000,
  requestMs: 30_000,
  /** How often those times are looked at. */
  checkMs: 1_000,
} as const;

/** @throws GatehouseError `usage` where the address cannot be had, `storage_failed`, `file_too_open` */
export async function startHeadlessConsole(options: HeadlessOptions): Promise<HeadlessConsole> {
  const { installation, address, logger } = options;
  const setUp = installation.state.phase === 'first_run' ? SetupKey.make() : null;
  const certificate = await openConsoleCertificate(installation.dataFolder, namesOf(address));
  const files = await readPageFiles(options.page);
  const server = makeServer(certificate);
  const port = await listen(server, options);
  const served = new Console({ installation, setupKey: setUp?.key ?? null, logger });
  const sockets = new EventSockets(served);
  const browsers = new BrowserSessions(served, port);
  const handler = new ConsoleServer({ console: served, browsers, sockets, files, address, port });
  server.on('request', (request, response) => void handler.handle(request, response));
  server.on('upgrade', (request, socket, head) => handler.upgrade(request, socket, head));
  const fragment = setUp === null ? '' : `#setup=${setUp.text}`;
  return {
    url: `https://${hostAndPort(address, port)}/${fragment}`,
    certificateSha256: certificate.sha256,
    close: async () => {
      sockets.close();
      served.close();
      await closeServer(server);
    },
  };
}

function makeServer({ cert, key }: { readonly cert: string; readonly key: string }): Server {
  const server = createServer({
    cert,
    key,
    minVersion: 'TLSv1.2',
    handshakeTimeout: limits.handshakeMs,
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: limits.checkMs,
  });
  server.maxConnections = limits.connections;
  server.on('clientError', (_error, socket) => socket.destroy());
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}

async function listen(server: Server, { address, nextFreePort }: HeadlessOptions): Promise<number> {
  const last = address.port === 0 || !nextFreePort ? address.port : address.port + portsTried;
  for (let port = address.port; ; port += 1) {
    try {
      return await listenAt(server, address.host, port);
    } catch (cause) {
      if (port < last && cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE') continue;
      const message = `The console cannot listen at ${hostAndPort(address, port)}. Is something else there?`;
      throw new GatehouseError('usage', message, { cause });
    }
  }
}

function listenAt(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** What is under way is cut off: the page calls again. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
