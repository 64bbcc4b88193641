// The relay's HTTPS API for tests: an issuer, a relay and a service that does as the test says, and requests to them,
// good ones and ones that no client library would send. Must never serve outside tests.
import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { expect } from 'vitest';
import type { GatehouseError } from '../contracts/errors.ts';
import type { RelayLimits } from '../relay/limits.ts';
import type { RelayOptions } from '../relay/relay.ts';
import { connectDeviceService } from './device-service.ts';
import type { DeviceCall } from './device-service.ts';
import { TestIssuer } from './oidc-issuer.ts';
import { startTestRelay } from './relay-peers.ts';
import type { TestPeer, TestRelay } from './relay-peers.ts';

/** The one web page that the relay lets in. */
export const page = 'https://app.example';
export const fingerprint = 'ab'.repeat(32);
export const session = 'session-0123456789';

export interface ApiAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface ApiRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
  readonly body?: string | Uint8Array;
}

export const paths = {
  agentinfo: '/api/sessions/agentinfo?api-version=1.0',
  register: '/api/sessions/register?api-version=1.0',
  start: '/api/sessions/start?api-version=1.0',
  request: '/api/requests?api-version=2.0',
} as const;

/** One good request of each operation. */
export const good: Readonly<Record<keyof typeof paths, ApiRequest>> = {
  agentinfo: { method: 'GET' },
  register: { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"Device":"x"}' },
  start: {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream', device: fingerprint },
    body: 'hi',
  },
  request: {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream', 'x-session-id': session },
    body: 'hi',
  },
};

export class ApiWorld {
  readonly issuer: TestIssuer;
  test!: TestRelay;
  service!: TestPeer;
  /** The streams that the service has got, in order. */
  calls: DeviceCall[] = [];
  /** What the service does with each; by default it says how long the body was. */
  react: (call: DeviceCall) => void = (call) => {
    void call.body.then((body) => call.answer(`got ${body.length}`)).catch(() => undefined);
  };

  private constructor(issuer: TestIssuer) {
    this.issuer = issuer;
  }

  static async start(): Promise<ApiWorld> {
    const world = new ApiWorld(await TestIssuer.start());
    await world.#begin();
    return world;
  }

  /** The relay again, with these limits and options. */
  async restart(limits: Partial<RelayLimits> = {}, options: Partial<RelayOptions> = {}): Promise<void> {
    await this.test.stop();
    await this.#begin(limits, options);
  }

  /** Another service at the relay, which `call` means from now on; it refuses every stream where that is said. */
  async addService(refusal?: GatehouseError): Promise<TestPeer> {
    this.service = await connectDeviceService(this.test, {
      onCall: (call) => {
        this.calls.push(call);
        this.react(call);
      },
      ...(refusal === undefined ? {} : { refusal }),
    });
    return this.service;
  }

  async stop(): Promise<void> {
    await this.test.stop();
    await this.issuer.stop();
  }

  /** A good request of `operation`, but for what `change` says. */
  call(operation: keyof typeof paths, change: ApiRequest = {}): Promise<ApiAnswer> {
    const base = good[operation];
    const authorization = `Bearer ${this.issuer.token()}`;
    const path = change.path ?? `/s/${this.service.name}${paths[operation]}`;
    return this.send({
      ...base,
      ...change,
      path,
      headers: { authorization, ...base.headers, ...change.headers },
    });
  }

  send({ method = 'GET', path = '/', headers = {}, body }: ApiRequest): Promise<ApiAnswer> {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const given = Object.entries({ ...length, ...headers }).filter(isGiven);
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: this.test.url.port, method, path, agent: false };
      const sending = httpRequest({ ...options, headers: Object.fromEntries(given) }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const { statusCode = 0 } = response;
          resolve({ status: statusCode, headers: response.headers, body: Buffer.concat(chunks) });
        });
      });
      sending.on('error', reject);
      sending.end(body);
    });
  }

  /** A socket to the relay that sends `text` as it is. */
  dial(text: string): { socket: Socket; answer: Promise<string> } {
    const socket = connect(Number(this.test.url.port), '127.0.0.1', () => socket.write(text));
    const answer = new Promise<string>((resolve) => {
      let all = '';
      socket.on('data', (chunk) => (all += chunk.toString('latin1')));
      socket.on('error', () => undefined);
      socket.on('close', () => {
        resolve(all);
      });
    });
    return { socket, answer };
  }

  async #begin(limits: Partial<RelayLimits> = {}, options: Partial<RelayOptions> = {}): Promise<void> {
    const oidc = { issuer: this.issuer.url, audience: this.issuer.audience };
    this.test = await startTestRelay({ oidc, corsOrigins: [page], limits, ...options });
    await this.addService();
  }
}

/** Status and code of a refusal, which must be a problem in form. */
export function problem({ status, headers, body }: ApiAnswer): unknown[] {
  const {
    type,
    code,
    status: said,
    title,
    detail,
  } = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
  expect([headers['content-type'], type, said]).toEqual(['application/problem+json', 'about:blank', status]);
  expect([typeof title, typeof detail, headers['cache-control']]).toEqual(['string', 'string', 'no-store']);
  return [status, code];
}

function isGiven(entry: [string, string | string[] | undefined]): entry is [string, string | string[]] {
  return entry[1] !== undefined;
}
