// A small OpenID Connect issuer for tests: discovery and keys over HTTP on loopback, and tokens signed as the test
// says, wrong ones above all. Must never serve outside tests: it gives a token to everybody.
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** `RS512` is one that nobody here accepts. */
export type TokenAlgorithm = 'ES256' | 'RS256' | 'PS256' | 'EdDSA' | 'RS512';

export interface TokenOptions {
  /** Claims over those that make a good token; undefined leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly key?: IssuerKey;
}

export class IssuerKey {
  readonly id: string;
  readonly algorithm: TokenAlgorithm;
  readonly publicKey: KeyObject;
  readonly #privateKey: KeyObject;

  constructor(id: string, algorithm: TokenAlgorithm) {
    const pair = makePair(algorithm);
    this.id = id;
    this.algorithm = algorithm;
    this.publicKey = pair.publicKey;
    this.#privateKey = pair.privateKey;
  }

  get jwk(): Record<string, unknown> {
    return { ...this.publicKey.export({ format: 'jwk' }), kid: this.id, alg: this.algorithm, use: 'sig' };
  }

  sign(text: string): Buffer {
    const bytes = Buffer.from(text);
    if (this.algorithm === 'EdDSA') return sign(null, bytes, this.#privateKey);
    if (this.algorithm === 'ES256')
      return sign('sha256', bytes, { key: this.#privateKey, dsaEncoding: 'ieee-p1363' });
    const padding = this.algorithm === 'PS256' ? { padding: 6, saltLength: 32 } : {};
    const hash = this.algorithm === 'RS512' ? 'sha512' : 'sha256';
    return sign(hash, bytes, { key: this.#privateKey, ...padding });
  }
}

export class TestIssuer {
  readonly audience = 'urn:gatehouse:test';
  /** What is published; the first one signs. */
  keys: IssuerKey[] = [new IssuerKey('first', 'ES256')];
  /** Requests for the key set so far. */
  fetches = 0;
  /** What it answers instead of its documents, by path. */
  readonly answers = new Map<string, { status: number; body: string; headers?: Record<string, string> }>();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', ({ url = '' }, response) => {
      if (url === '/jwks') this.fetches += 1;
      const { status, body, headers } = this.answers.get(url) ?? this.#document(url);
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
    });
  }

  static async start(): Promise<TestIssuer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new TestIssuer(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A good access token for `subject`, or what `options` make of it. */
  token(subject = 'anna', { claims, header, key = this.keys[0] }: TokenOptions = {}): string {
    if (key === undefined) throw new Error('The issuer has no key.');
    const now = Math.floor(Date.now() / 1000);
    const good = { iss: this.url, aud: this.audience, sub: subject, iat: now, exp: now + 300 };
    const head = { alg: key.algorithm, typ: 'at+jwt', kid: key.id, ...header };
    const text = `${part(head)}.${part({ ...good, ...claims })}`;
    return `${text}.${key.sign(text).toString('base64url')}`;
  }

  /** A token whose header says `alg: none`, without a signature or with the one given. */
  unsignedToken(algorithm = 'none', signature = ''): string {
    const [, payload = ''] = this.token().split('.');
    return `${part({ alg: algorithm, typ: 'at+jwt', kid: this.keys[0]?.id })}.${payload}.${signature}`;
  }

  /** Signed with HMAC under the published public key as its secret: what a careless verifier takes for the issuer's. */
  confusedToken(secret: string | Buffer): string {
    const [, payload = ''] = this.token().split('.');
    const text = `${part({ alg: 'HS256', typ: 'at+jwt', kid: this.keys[0]?.id })}.${payload}`;
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #document(path: string): { status: number; body: string; headers?: Record<string, string> } {
    if (path === '/jwks')
      return { status: 200, body: JSON.stringify({ keys: this.keys.map(({ jwk }) => jwk) }) };
    if (path !== '/.well-known/openid-configuration') return { status: 404, body: '{}' };
    return { status: 200, body: JSON.stringify({ issuer: this.url, jwks_uri: `${this.url}/jwks` }) };
  }
}

function makePair(algorithm: TokenAlgorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  if (algorithm === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' });
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519');
  return generateKeyPairSync('rsa', { modulusLength: 2048 });
}

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
