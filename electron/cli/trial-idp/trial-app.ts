// Serves the example app of device sessions on loopback alone, for a trial: a real app comes from an origin that the
// relay does not control, or the relay could replace the cryptography. A request names one of the files and no path.
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { isLoopbackHost } from '../../../shared/net/dial.ts';
import type { ListenAddress } from '../../../shared/relay/address.ts';
import { answerFile, readPageFiles } from '../../headless/page-files.ts';
import type { PageFile } from '../../headless/page-files.ts';

/** What the app reads from `config.json` beside its page. */
export interface TrialAppConfig {
  /** As `http:` or `https:`. */
  readonly relay: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly resource?: string;
}

export interface TrialApp {
  readonly url: string;
  readonly origin: string;
  /** Serves from now on; before, and while nothing was configured, it answers 503. */
  configure(config: TrialAppConfig): void;
  stop(): Promise<void>;
}

/** @throws GatehouseError `usage` for an address that is not loopback or not to be had, or where no app was built */
export async function startTrialApp(listen: ListenAddress, folder: string): Promise<TrialApp> {
  if (!isLoopbackHost(listen.host)) {
    throw new GatehouseError(
      'usage',
      'The trial’s app is served on loopback alone. A real app has an origin of its own.',
    );
  }
  const files = await readPageFiles(folder);
  if (!files.has('/')) {
    throw new GatehouseError('usage', `There is no app in ${folder}. Build it with: npm run build`);
  }
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `The trial’s app cannot be served at ${listen.host}:${listen.port} (${cause.message}). Choose another address.`;
      reject(new GatehouseError('usage', message, { cause }));
    });
    server.listen(listen.port, listen.host, resolve);
  });
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
  const { origin } = new URL(`http://${host}:${(server.address() as AddressInfo).port}`);
  let config: TrialAppConfig | null = null;
  server.on('request', (request, response) => {
    answer(request, response, { origin, files, config });
  });
  return {
    origin,
    url: `${origin}/`,
    configure: (given) => (config = given),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Served {
  readonly origin: string;
  readonly files: ReadonlyMap<string, PageFile>;
  readonly config: TrialAppConfig | null;
}

function answer(request: IncomingMessage, response: ServerResponse, { origin, files, config }: Served): void {
  if (request.headers.host !== new URL(origin).host) {
    response.writeHead(421).end();
    return;
  }
  if (config === null) {
    response.writeHead(503).end();
    return;
  }
  for (const [name, value] of Object.entries(pageHeaders(config))) response.setHeader(name, value);
  // The query is for the page: the code of a sign-in comes in it.
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const file = files.get(path);
  if (request.method !== 'GET' && request.method !== 'HEAD')
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
  else if (path === '/config.json') answerConfig(response, config);
  else if (file === undefined) response.writeHead(404).end();
  else answerFile(request, response, file);
}

function answerConfig(response: ServerResponse, config: TrialAppConfig): void {
  const body = JSON.stringify(config);
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(body);
}

function pageHeaders({ relay, issuer }: TrialAppConfig): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self' ${new URL(relay).origin} ${new URL(issuer).origin}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ];
  return {
    'content-security-policy': policy.join('; '),
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  };
}
