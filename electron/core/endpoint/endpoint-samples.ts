// A service's endpoint in memory for its tests: real TLS and HTTP, a log that a test can hold back or break.
// Test code: nothing that ships may import it.
import { connect } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { duplexPair } from 'node:stream';
import type { Duplex } from 'node:stream';
import type { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { RequestOutcome, RequestRow } from '../../../shared/contracts/requests.ts';
import { defaultSettings } from '../../../shared/contracts/settings.ts';
import type { Settings } from '../../../shared/contracts/settings.ts';
import { serverTlsOptions } from '../../../shared/e2ee/tls-options.ts';
import type { Alpn } from '../../../shared/e2ee/tls-options.ts';
import { startClientTls } from '../../../shared/e2ee/tunnel.ts';
import type { TunnelSession } from '../../../shared/e2ee/tunnel.ts';
import { issueCertificate } from '../certificates/issue.ts';
import type { RejectionRow } from '../inspector/rows.ts';
import { rpcs } from '../rpc/registry.ts';
import type { Rpc } from '../rpc/rpc.ts';
import { defaultFailureDelays, FailureDelays } from './failure-delays.ts';
import { Router } from './router.ts';
import type { RouterCapture, RouterLog } from './router.ts';
import { defaultSessionLimits, SessionTable } from './session-table.ts';
import type { SessionLimits } from './session-table.ts';
import { StreamAcceptor } from './stream-acceptor.ts';
import type { AcceptorOptions } from './stream-acceptor.ts';
import { Verifier } from './verifier.ts';
import type { UsableToken } from './verifier.ts';

export const sampleServiceId = 'abcd-efgh-ijkl';
const certificate = await issueCertificate(sampleServiceId);
const served = {
  tls: serverTlsOptions(certificate.tlsCredentials()),
  record: { sha256: certificate.sha256, pem: certificate.pem },
};

/** Writes down what it is told; `begin` waits for `held` and fails with `failure`. */
export class SampleLog implements RouterLog {
  readonly begun: RequestRow[] = [];
  readonly finished: RequestOutcome[] = [];
  readonly rejected: RejectionRow[] = [];
  held: Promise<unknown> = Promise.resolve();
  failure: GatehouseError | null = null;
  #lastId = 0;

  nextId(): number {
    return ++this.#lastId;
  }

  async begin(row: RequestRow): Promise<void> {
    this.begun.push(row);
    await this.held;
    if (this.failure !== null) throw this.failure;
  }

  finish(_id: number, outcome: RequestOutcome): void {
    this.finished.push(outcome);
  }

  reject(row: RejectionRow): void {
    this.rejected.push(row);
  }
}

export interface SampleOptions {
  readonly rpcs?: readonly Rpc[];
  readonly settings?: Partial<Settings>;
  readonly tokens?: ReadonlyMap<string, UsableToken>;
  readonly limits?: Partial<SessionLimits>;
  readonly delays?: Partial<typeof defaultFailureDelays>;
  readonly headerTimeoutMs?: number;
  readonly unusedSessionMs?: number;
  readonly capture?: RouterCapture;
  /** Instead of the SampleLog. */
  readonly requestLog?: RouterLog;
  readonly onComplaint?: (clientId: string) => void;
  readonly servers?: AcceptorOptions['servers'];
}

export class SampleEndpoint {
  readonly log = new SampleLog();
  readonly sessions: SessionTable;
  readonly router: Router;
  readonly acceptor: StreamAcceptor;
  settings: Settings;
  readonly #opened: { destroy(): unknown }[] = [];

  constructor(options: SampleOptions = {}) {
    this.settings = { ...defaultSettings, ...options.settings };
    this.sessions = new SessionTable({ ...defaultSessionLimits, ...options.limits });
    this.router = new Router({
      rpcs: new Map([...rpcs, ...(options.rpcs ?? []).map((rpc) => [rpc.name, rpc] as const)]),
      context: { capabilities: sampleCapabilities, now: Date.now },
      settings: () => this.settings,
      log: options.requestLog ?? this.log,
      capture: options.capture,
      serviceId: sampleServiceId,
      domainName: () => 'PROD',
    });
    this.acceptor = new StreamAcceptor({
      serviceId: sampleServiceId,
      router: this.router,
      verifier: this.#makeVerifier(options),
      sessions: this.sessions,
      certificate: () => served,
      onComplaint: options.onComplaint,
      servers: options.servers,
      ...('headerTimeoutMs' in options ? { headerTimeoutMs: options.headerTimeoutMs } : {}),
      ...('unusedSessionMs' in options ? { unusedSessionMs: options.unusedSessionMs } : {}),
    });
  }

  #makeVerifier({ tokens = new Map(), delays }: SampleOptions): Verifier {
    return new Verifier({
      find: (id) => tokens.get(id) ?? null,
      fakeSaltKey: Buffer.alloc(32, 0xfa),
      delays: new FailureDelays({ ...defaultFailureDelays, firstMs: 1, maxMs: 1, ...delays }),
      onFailure: (session, error, tokenId) => this.router.reject(session, { rpcName: '', error, tokenId }),
    });
  }

  /** A TLS connection to it; `near` is the client's end of what is below. */
  async openTls(alpn: Alpn, clientId = 'anna'): Promise<TunnelSession & { near: Duplex }> {
    const [near, far] = duplexPair();
    this.#opened.push(near, far);
    this.acceptor.acceptDirect(far, clientId);
    return { ...(await startClientTls(near, { alpn: [alpn] })), near };
  }

  async openH2(
    clientId?: string,
  ): Promise<{ session: ClientHttp2Session; tls: TunnelSession; near: Duplex }> {
    const tls = await this.openTls('h2', clientId);
    const session = connect('https://service', { createConnection: () => tls.socket });
    session.on('error', () => undefined);
    this.#opened.push(session);
    return { session, tls, near: tls.near };
  }

  close(): void {
    for (const each of this.#opened.splice(0).reverse()) each.destroy();
  }
}

const sampleCapabilities = (): {
  versions: [1];
  e2ee: { available: true; required: true; sessionVerificationRequired: false };
  h2: true;
} => ({
  versions: [1],
  e2ee: { available: true, required: true, sessionVerificationRequired: false },
  h2: true,
});

export interface SampleAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Whether END_STREAM came and no reset: what a client may take for the whole answer. */
  readonly whole: boolean;
  readonly rstCode: number;
}

/** Sends a request on an HTTP/2 session; the test writes its body. */
export function startRequest(
  session: ClientHttp2Session,
  path: string,
  headers: Record<string, string> = {},
): ClientHttp2Stream {
  return session.request({ ':method': 'POST', ':path': path, ...headers }).on('error', () => undefined);
}

const http2Preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/**
 * The start of a request on stream 1, frame by frame (RFC 9113), and so without what Node's client adds: that sends
 * END_STREAM before each reset.
 */
export function rawHttp2Start(path: string, headers: Record<string, string>, body: string): Buffer {
  const fields = { ':method': 'POST', ':scheme': 'https', ':path': path, ':authority': 'x', ...headers };
  const block = Object.entries(fields).map(([name, value]) => {
    // RFC 7541 section 6.2.2: a literal without indexing, with a new name; all of them are short.
    return Buffer.concat([
      Buffer.from([0, name.length]),
      Buffer.from(name),
      Buffer.from([value.length]),
      Buffer.from(value),
    ]);
  });
  return Buffer.concat([
    Buffer.from(http2Preface),
    rawHttp2Frame(4, 0, 0, Buffer.alloc(0)),
    rawHttp2Frame(1, 4, 1, Buffer.concat(block)),
    rawHttp2Frame(0, 0, 1, Buffer.from(body)),
  ]);
}

export function rawHttp2Frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** What comes back until the stream is over. */
export function answerOf(stream: ClientHttp2Stream): Promise<SampleAnswer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let headers: IncomingHttpHeaders = {};
    let aborted = false;
    stream.on('response', (received) => (headers = received));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('aborted', () => (aborted = true));
    stream.on('close', () => {
      const rstCode = stream.rstCode ?? 0;
      const whole = !aborted && rstCode === 0 && stream.errored === null && stream.readableEnded;
      resolve({
        status: Number(headers[':status'] ?? 0),
        headers,
        body: Buffer.concat(chunks),
        whole,
        rstCode,
      });
    });
  });
}

/** One whole request over HTTP/2. */
export function request(
  session: ClientHttp2Session,
  path: string,
  body: string | Buffer = '',
  headers: Record<string, string> = { 'content-type': 'application/json' },
): Promise<SampleAnswer> {
  const stream = startRequest(session, path, headers);
  stream.end(body);
  return answerOf(stream);
}

export function codeOf(answer: { readonly body: Buffer | string }): string {
  return (JSON.parse(String(answer.body)) as { error: { code: string } }).error.code;
}

/** Waits until `holds`, for two seconds at most. */
export async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 2_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error('It did not come about within two seconds.');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
