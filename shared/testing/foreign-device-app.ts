// An app written from PROTOCOL.md alone, on Node's own crypto and none of this project's code: what somebody would write in
// another language. Where it fails the document, or the protocol, has changed.
import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHash,
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
};
const u32 = (value: number): Buffer => Buffer.from(value.toString(16).padStart(8, '0'), 'hex');
const u64 = (value: number): Buffer => Buffer.from(value.toString(16).padStart(16, '0'), 'hex');
const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
const p1363 = 'ieee-p1363' as const;
const spkiHead = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');

interface Jwk {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
}
const pointOf = ({ x, y }: Jwk): Buffer =>
  Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
const publicJwk = (key: KeyObject): Jwk =>
  createPublicKey(key.export({ type: 'pkcs8', format: 'pem' })).export({ format: 'jwk' }) as Jwk;

function gcmOpen(key: Uint8Array, nonce: Uint8Array, data: Uint8Array, sealed: Uint8Array): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(data).setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
}

function gcmSeal(key: Uint8Array, nonce: Uint8Array, data: Uint8Array, plaintext: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(data);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

const hkdf = (input: Uint8Array, salt: Uint8Array, info: Uint8Array): Buffer =>
  Buffer.from(hkdfSync('sha256', input, salt, info, 32));

/** Section 10.7, from chunk `first` on to the last one. */
function openChunks(key: Uint8Array, context: Uint8Array, sealed: Uint8Array, first = 0): Buffer {
  const count = Math.max(1, Math.ceil(sealed.length / 65_552));
  const chunks = Array.from({ length: count }, (_, at) => {
    const place = Buffer.concat([u32(first + at), Buffer.of(at === count - 1 ? 1 : 0)]);
    const chunk = sealed.subarray(at * 65_552, (at + 1) * 65_552);
    return gcmOpen(key, Buffer.concat([Buffer.alloc(7), place]), Buffer.concat([context, place]), chunk);
  });
  return Buffer.concat(chunks);
}

/** Section 10.8: a blob from chunk `first` on. */
export function openBlob(
  { key, version, size }: { readonly key: Uint8Array; readonly version: string; readonly size: number },
  sealed: Uint8Array,
  first = 0,
): Buffer {
  const context = Buffer.concat([text('gatehouse blob v1'), text(version), u64(size)]);
  return openChunks(key, context, sealed, first);
}

export interface ForeignWorld {
  /** `https://relay/s/<service id>` */
  readonly base: string;
  readonly serviceId: string;
  /** The user of the token. */
  readonly issuer: string;
  readonly subject: string;
  readonly token: string;
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>;
}

export interface ForeignSession {
  readonly sessionId: string;
  readonly toAgent: Buffer;
  readonly toApp: Buffer;
  readonly streams: Buffer;
}

export interface ForeignRequest {
  readonly counter: number;
  readonly type: string;
  readonly payload: unknown;
  readonly requestId?: string;
  readonly firstSession?: string;
}

export class ForeignDeviceApp {
  readonly #world: ForeignWorld;
  readonly #privateKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  readonly #jwk = publicJwk(this.#privateKey);
  readonly #point = pointOf(this.#jwk);
  readonly fingerprint = sha256(Buffer.concat([spkiHead, this.#point])).toString('hex');
  #agent: Jwk | null = null;

  constructor(world: ForeignWorld) {
    this.#world = world;
  }

  /** Section 10.3. @throws Error where the fingerprint is not the key's */
  async meet(): Promise<void> {
    const answer = await this.#call('/api/sessions/agentinfo?api-version=1.0', {});
    const info = (await answer.json()) as { readonly publicKey: Jwk; readonly fingerprint: string };
    const fingerprint = sha256(Buffer.concat([spkiHead, pointOf(info.publicKey)])).toString('hex');
    if (fingerprint !== info.fingerprint) throw new Error('the fingerprint is not that of the key');
    this.#agent = info.publicKey;
  }

  /** Section 10.4, with a code of 16 bytes. @throws Error where the agent does not prove that it knows the code */
  async register(code: Uint8Array): Promise<void> {
    const { serviceId, issuer, subject } = this.#world;
    const proof = (role: string): string =>
      createHmac('sha256', code)
        .update(
          Buffer.concat(['gatehouse device registration v1', role, serviceId, issuer, subject].map(text)),
        )
        .update(this.#agentPoint)
        .update(this.#point)
        .digest('base64url');
    const facts = { Device: 'Foreign', DeviceFingerprint: this.fingerprint, PublicKey: this.#jwk };
    const json = Buffer.from(JSON.stringify({ ...facts, Proof: proof('device') }));
    const type = { 'content-type': 'application/json' };
    const answer = await this.#post('/api/sessions/register?api-version=1.0', type, json);
    const said = (await answer.json()) as { readonly status?: string; readonly proof?: string };
    if (said.status !== 'confirmed' || said.proof !== proof('agent')) throw new Error(JSON.stringify(said));
  }

  /** Section 10.5. @throws Error where the agent's answer is not authentic */
  async start(): Promise<ForeignSession> {
    const { serviceId, issuer, subject } = this.#world;
    const ephemeral = createECDH('prime256v1');
    const [nonce, ephemeralPoint] = [randomBytes(32), ephemeral.generateKeys()];
    const statement = Buffer.concat([
      ...[text('gatehouse device start v1'), Buffer.of(1), text(serviceId), this.#agentPoint, this.#point],
      ...[text(issuer), text(subject), nonce, ephemeralPoint],
    ]);
    const signature = sign('sha256', statement, { key: this.#privateKey, dsaEncoding: p1363 });
    const answered = await this.#post(
      '/api/sessions/start?api-version=1.0',
      { device: this.fingerprint },
      Buffer.concat([Buffer.of(1), nonce, ephemeralPoint, signature]),
    );
    const sessionId = answered.headers.get('x-session-id') ?? '';
    const answer = Buffer.from(await answered.arrayBuffer());
    if (answer.length !== 170 || answer[0] !== 1) throw new Error(answer.toString());
    const transcript = sha256(
      Buffer.concat([
        ...[text('gatehouse device transcript v1'), statement, signature],
        ...[answer.subarray(1, 106), text(sessionId)],
      ]),
    );
    const key = createPublicKey({ key: { ...this.#agentKey }, format: 'jwk' });
    const signed = Buffer.concat([text('gatehouse device answer v1'), transcript]);
    const isAuthentic = verify('sha256', signed, { key, dsaEncoding: p1363 }, answer.subarray(106));
    if (!isAuthentic) throw new Error('the answer is not the agent’s');
    const secret = ephemeral.computeSecret(answer.subarray(33, 98));
    return {
      sessionId,
      toAgent: hkdf(secret, transcript, text('gatehouse device key app to agent v1')),
      toApp: hkdf(secret, transcript, text('gatehouse device key agent to app v1')),
      streams: hkdf(secret, transcript, text('gatehouse device key streams v1')),
    };
  }

  /** Section 10.6: sends a request; the answer as it came. */
  send(session: ForeignSession, request: ForeignRequest): Promise<Response> {
    const { counter, type, payload, requestId, firstSession } = request;
    const id = requestId ?? randomBytes(16).toString('base64url');
    const json = { PayloadType: type, Payload: payload, RequestId: id, FirstSession: firstSession };
    const data = place('gatehouse device message v1', session, 1, counter);
    const iv = Buffer.concat([Buffer.alloc(4), u64(counter)]);
    const sealed = gcmSeal(session.toAgent, iv, data, Buffer.from(JSON.stringify(json)));
    const body = Buffer.concat([Buffer.of(1), u64(counter), sealed]);
    return this.#post('/api/requests?api-version=2.0', { 'x-session-id': session.sessionId }, body);
  }

  /** Section 10.6: a whole answer. @throws Error where it is not authentic */
  async ask(session: ForeignSession, request: ForeignRequest): Promise<unknown> {
    const { counter } = request;
    const bytes = Buffer.from(await (await this.send(session, request)).arrayBuffer());
    if (!bytes.subarray(0, 9).equals(Buffer.concat([Buffer.of(1), u64(counter)])))
      throw new Error(bytes.toString());
    const iv = Buffer.concat([Buffer.alloc(4), u64(counter)]);
    const data = place('gatehouse device message v1', session, 2, counter);
    return JSON.parse(gcmOpen(session.toApp, iv, data, bytes.subarray(9)).toString());
  }

  /** Section 10.7: a streamed answer. @throws Error where it is not authentic */
  async read(session: ForeignSession, request: ForeignRequest): Promise<{ head: unknown; body: Buffer }> {
    const { counter } = request;
    const bytes = Buffer.from(await (await this.send(session, request)).arrayBuffer());
    if (!bytes.subarray(0, 9).equals(Buffer.concat([Buffer.of(2), u64(counter)])))
      throw new Error(bytes.toString());
    const context = place('gatehouse device stream v1', session, 2, counter);
    const all = openChunks(hkdf(session.streams, Buffer.alloc(0), context), context, bytes.subarray(9));
    const end = 4 + all.readUInt32BE(0);
    return { head: JSON.parse(all.subarray(4, end).toString()), body: all.subarray(end) };
  }

  /** Section 10.8: `range` as the header has it. */
  blob(id: string, range?: string): Promise<Response> {
    return this.#call(`/blobs/${id}`, range === undefined ? {} : { headers: { range } });
  }

  get #agentKey(): Jwk {
    if (this.#agent === null) throw new Error('meet() first');
    return this.#agent;
  }

  get #agentPoint(): Buffer {
    return pointOf(this.#agentKey);
  }

  #post(path: string, headers: Record<string, string>, body: Uint8Array): Promise<Response> {
    return this.#call(path, { method: 'POST', headers, body: new Uint8Array(body) });
  }

  #call(path: string, init: RequestInit): Promise<Response> {
    const { base, token, fetch } = this.#world;
    const headers = {
      authorization: `Bearer ${token}`,
      ...(init.headers as Record<string, string> | undefined),
    };
    return fetch(`${base}${path}`, { ...init, headers });
  }
}

function place(label: string, { sessionId }: ForeignSession, direction: number, counter: number): Buffer {
  return Buffer.concat([text(label), text(sessionId), Buffer.of(direction), u64(counter)]);
}
