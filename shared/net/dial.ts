// Dials a relay: URL rules, TLS, the HTTP upgrade, and refusals turned into coded errors.
// Plain ws:// is for loopback alone. Credentials go into headers, never into a URL or an error.
import type { IncomingMessage } from 'node:http';
import { connect as connectTcp, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import WebSocket from 'ws';
import { certificateRefusal } from '../contracts/certificate-refusal.ts';
import { asGatehouseError, GatehouseError, isErrorCode } from '../contracts/errors.ts';
import { maxMessageLength, WebSocketChannel } from './channel.ts';
import { SocketIntake } from './socket-intake.ts';

export interface DialOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** PEM of certificate authorities to trust instead of the system's, for a relay with a private one. */
  readonly ca?: string;
  /** Until the upgrade is done, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** What refusals are read up to, in bytes. */
const maxRefusalLength = 4096;

/**
 * A relay URL in its canonical form: `ws://` or `wss://`, host, port where it is not the default, no path.
 * `http(s)://` is taken as `ws(s)://`. @throws GatehouseError `usage`
 */
export function parseRelayUrl(text: string): URL {
  const url = URL.parse(text.trim().replace(/^http(s?):\/\//i, 'ws$1://'));
  if (url === null) {
    // The text is not repeated: a password or token may be in it.
    throw new GatehouseError('usage', "This is no URL. A relay's URL looks like wss://relay.example.");
  }
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw new GatehouseError(
      'usage',
      `A relay's URL starts with wss:// (or ws:// on loopback), not ${url.protocol}//.`,
    );
  }
  if (url.href !== `${url.origin}/`) {
    throw new GatehouseError('usage', "A relay's URL has a host and a port, and nothing else.");
  }
  if (url.protocol === 'ws:') requireLoopback(url);
  return url;
}

function requireLoopback(url: URL): void {
  if (isLoopbackHost(url.hostname)) return;
  throw new GatehouseError('usage', `Plain ws:// is for loopback alone; use wss:// for ${url.hostname}.`);
}

/** True for the names and addresses of this machine itself. `host` as URL.hostname gives it. */
export function isLoopbackHost(host: string): boolean {
  const bare = host.startsWith('[') ? host.slice(1, -1) : host;
  if (bare === 'localhost' || bare === '::1') return true;
  return isIP(bare) === 4 && bare.startsWith('127.');
}

/**
 * Opens a WebSocket to `path` at `relay`.
 * @throws GatehouseError `relay_unreachable`, `not_authorised`, `relay_protocol`, `cancelled`, `usage`, or what
 *   the relay answers
 */
export function dialWebSocket(
  relay: URL,
  path: string,
  options: DialOptions = {},
): Promise<WebSocketChannel> {
  return new Promise((resolve, reject) => {
    const ws = requestUpgrade(relay, path, options);
    const fail = (error: GatehouseError): void => {
      stopWaiting();
      reject(error);
      ws.terminate();
    };
    const stopWaiting = limitWait(relay, options, fail);
    const onError = (cause: Error): void => {
      fail(unreachable(relay, cause));
    };
    let response: IncomingMessage | null = null;
    ws.on('upgrade', (upgrade) => (response = upgrade));
    ws.on('open', () => {
      if (response === null) {
        fail(new GatehouseError('relay_protocol', 'The relay answered without an upgrade.'));
        return;
      }
      stopWaiting();
      resolve(new WebSocketChannel(ws, response.socket));
      ws.off('error', onError);
    });
    ws.on('unexpected-response', (_request, refusal) => void readRefusal(relay, refusal).then(fail));
    ws.on('error', onError);
  });
}

function requestUpgrade(relay: URL, path: string, options: DialOptions): WebSocket {
  if (options.signal?.aborted === true) throw cancelled();
  if (relay.protocol === 'ws:') requireLoopback(relay);
  try {
    return new WebSocket(new URL(path, relay), {
      perMessageDeflate: false,
      maxPayload: maxMessageLength,
      followRedirects: false,
      headers: { ...options.headers },
      minVersion: 'TLSv1.2',
      // The library calls it with one object, whatever its type says.
      createConnection: ((settings: ConnectionOptions) =>
        connect(relay.protocol === 'ws:', settings)) as unknown as typeof connectTcp,
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    });
  } catch (cause) {
    // Node names the header or the PEM error here, never a value.
    throw asGatehouseError(cause, 'usage', 'The relay cannot be dialled with these credentials.');
  }
}

/** As the WebSocket library connects, but for the way in which the socket reads. */
function connect(isPlain: boolean, { host, port, ...options }: ConnectionOptions): Socket {
  const intake = new SocketIntake();
  const settings = {
    ...options,
    host: host ?? '',
    port: Number(port),
    path: undefined,
    onread: intake.onread,
  };
  const servername = isIP(settings.host) === 0 ? settings.host : '';
  const socket = isPlain ? connectTcp(settings) : connectTls({ ...settings, servername });
  intake.attach(socket);
  return socket;
}

/** Calls `fail` where the time is up or the signal fires, however the server spends it; returns the end of that. */
function limitWait(relay: URL, options: DialOptions, fail: (error: GatehouseError) => void): () => void {
  const timeoutMs = options.timeoutMs ?? 10_000;
  const timer = setTimeout(() => {
    fail(unreachable(relay, new Error(`no answer within ${timeoutMs} ms`)));
  }, timeoutMs);
  const abort = (): void => {
    fail(cancelled());
  };
  options.signal?.addEventListener('abort', abort, { once: true });
  return () => {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', abort);
  };
}

function cancelled(): GatehouseError {
  return new GatehouseError('cancelled', 'Connecting to the relay was cancelled.');
}

function unreachable(relay: URL, cause: Error): GatehouseError {
  const code = 'code' in cause && typeof cause.code === 'string' ? ` (${cause.code})` : ` (${cause.message})`;
  const why = certificateRefusal(cause) ?? 'Check the URL, that the relay runs, and the way to it.';
  const message = `The relay ${relay.origin} cannot be reached${code}. ${why}`;
  return new GatehouseError('relay_unreachable', message, { cause });
}

async function readRefusal(relay: URL, response: IncomingMessage): Promise<GatehouseError> {
  let body = '';
  try {
    for await (const chunk of response) {
      body += String(chunk);
      if (body.length > maxRefusalLength) break;
    }
  } catch {
    body = '';
  }
  return refusalError(relay, response.statusCode ?? 0, body);
}

/** The relay's own coded error where it sent one, else what the HTTP status says. */
function refusalError(relay: URL, status: number, body: string): GatehouseError {
  try {
    const { error } = JSON.parse(body) as { error?: { code?: unknown; message?: unknown } };
    if (isErrorCode(error?.code) && typeof error.message === 'string') {
      return new GatehouseError(error.code, error.message.slice(0, 500));
    }
  } catch {
    // Not ours: the status has to do.
  }
  if (status === 401 || status === 403) {
    return new GatehouseError(
      'not_authorised',
      `The relay ${relay.origin} refused the credentials (HTTP ${status}).`,
    );
  }
  const hint =
    status >= 500 ? 'It, or a proxy before it, is not ready.' : 'Is this the URL of a Gatehouse relay?';
  return new GatehouseError('relay_unreachable', `${relay.origin} answered HTTP ${status}. ${hint}`);
}
