// An app written from PROTOCOL.md alone, on Node's own crypto and none of this project's code: it registers with a code,
// starts, asks, reads a streamed answer and a blob. Where it fails the document, or the protocol, has changed.
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
import { expect, test } from 'vitest';
import { encryptBlob } from '../device/agent.ts';
import { issuer, ScriptedAgent, serviceId, subject } from './scripted-agent.ts';

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
};
const u32 = (value: number): Buffer => Buffer.from(value.toString(16).padStart(8, '0'), 'hex');
const u64 = (value: number): Buffer => Buffer.from(value.toString(16).padStart(16, '0'), 'hex');
const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
const p1363 = 'ieee-p1363' as const;

interface Jwk {
  readonly x: string;
  readonly y: string;
}
const pointOf = ({ x, y }: Jwk): Buffer =>
  Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
const jwkOf = (key: KeyObject): Jwk =>
  createPublicKey(key.export({ type: 'pkcs8', format: 'pem' })).export({ format: 'jwk' }) as Jwk;

function gcmOpen(key: Uint8Array, nonce: Uint8Array, data: Uint8Array, sealed: Uint8Array): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(data).setAuthTag(sealed.subarray(-16));
  return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
}

function gcmSeal(key: Uint8Array, nonce: Uint8Array, data: Uint8Array, plaintext: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(data);
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** Section 10.7. */
function openChunks(key: Uint8Array, context: Uint8Array, sealed: Uint8Array): Buffer {
  const count = Math.max(1, Math.ceil(sealed.length / 65_552));
  const chunks = Array.from({ length: count }, (_, index) => {
    const place = Buffer.concat([u32(index), Buffer.of(index === count - 1 ? 1 : 0)]);
    const chunk = sealed.subarray(index * 65_552, (index + 1) * 65_552);
    return gcmOpen(key, Buffer.concat([Buffer.alloc(7), place]), Buffer.concat([context, place]), chunk);
  });
  return Buffer.concat(chunks);
}

const hkdf = (input: Uint8Array, salt: Uint8Array, info: Uint8Array): Buffer =>
  Buffer.from(hkdfSync('sha256', input, salt, info, 32));

async function world(): Promise<{ readonly agent: ScriptedAgent; readonly post: Post }> {
  const body = [new Uint8Array(70_000).fill(5)];
  const agent = await ScriptedAgent.create({
    handler: ({ payloadType, payload }) =>
      payloadType === 'export' ? { payloadType, payload, body } : { payloadType, payload: { echo: payload } },
  });
  const post: Post = (path, headers, sent) =>
    agent.fetch(`https://relay.example/s/${serviceId}${path}`, {
      method: 'POST',
      headers: { authorization: 'Bearer x', ...headers },
      body: new Uint8Array(sent),
    });
  return { agent, post };
}
type Post = (path: string, headers: Record<string, string>, sent: Uint8Array) => Promise<Response>;

const read = async (answer: Response): Promise<Buffer> => Buffer.from(await answer.arrayBuffer());

test('an app on other cryptography registers, starts, asks and reads', async () => {
  const { agent, post } = await world();
  const info = (await (
    await agent.fetch(`https://relay.example/s/${serviceId}/api/sessions/agentinfo?api-version=1.0`)
  ).json()) as {
    readonly publicKey: Jwk & { readonly kty: 'EC'; readonly crv: 'P-256' };
    readonly fingerprint: string;
  };
  const agentPoint = pointOf(info.publicKey);
  const spki = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');
  expect(sha256(Buffer.concat([spki, agentPoint])).toString('hex')).toBe(info.fingerprint);

  // 10.4
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = jwkOf(privateKey);
  const point = pointOf(jwk);
  const code = randomBytes(16);
  agent.registrationCode = new Uint8Array(code);
  const proof = (role: string): string =>
    createHmac('sha256', code)
      .update(Buffer.concat(['gatehouse device registration v1', role, serviceId, issuer, subject].map(text)))
      .update(agentPoint)
      .update(point)
      .digest('base64url');
  const fingerprint = sha256(Buffer.concat([spki, point])).toString('hex');
  const registered = await post(
    '/api/sessions/register?api-version=1.0',
    { 'content-type': 'application/json' },
    Buffer.from(
      JSON.stringify({ Device: 'x', DeviceFingerprint: fingerprint, PublicKey: jwk, Proof: proof('device') }),
    ),
  );
  expect(await registered.json()).toEqual({ status: 'confirmed', proof: proof('agent') });

  // 10.5
  const ephemeral = createECDH('prime256v1');
  const [nonce, ephemeralPoint] = [randomBytes(32), ephemeral.generateKeys()];
  const statement = Buffer.concat([
    ...[text('gatehouse device start v1'), Buffer.of(1), text(serviceId), agentPoint, point],
    ...[text(issuer), text(subject), nonce, ephemeralPoint],
  ]);
  const signature = sign('sha256', statement, { key: privateKey, dsaEncoding: p1363 });
  const message = Buffer.concat([Buffer.of(1), nonce, ephemeralPoint, signature]);
  const started = await post('/api/sessions/start?api-version=1.0', { device: fingerprint }, message);
  const sessionId = started.headers.get('x-session-id') ?? '';
  const answer = await read(started);
  expect([message.length, answer.length, answer[0]]).toEqual([162, 170, 1]);
  expect([answer.readUInt32BE(98), answer.readUInt32BE(102)]).toEqual([900, 1000]);
  const transcript = sha256(
    Buffer.concat([
      ...[text('gatehouse device transcript v1'), statement, signature],
      ...[answer.subarray(1, 106), text(sessionId)],
    ]),
  );
  const agentKey = createPublicKey({ key: { ...info.publicKey }, format: 'jwk' });
  const signed = Buffer.concat([text('gatehouse device answer v1'), transcript]);
  expect(verify('sha256', signed, { key: agentKey, dsaEncoding: p1363 }, answer.subarray(106))).toBe(true);
  const secret = ephemeral.computeSecret(answer.subarray(33, 98));
  const toAgent = hkdf(secret, transcript, text('gatehouse device key app to agent v1'));
  const toApp = hkdf(secret, transcript, text('gatehouse device key agent to app v1'));
  const streams = hkdf(secret, transcript, text('gatehouse device key streams v1'));

  // 10.6
  const place = (label: string, direction: number, counter: number): Buffer =>
    Buffer.concat([text(label), text(sessionId), Buffer.of(direction), u64(counter)]);
  const ask = async (counter: number, type: string): Promise<Buffer> => {
    const request = { PayloadType: type, Payload: 'Öl', RequestId: randomBytes(16).toString('base64url') };
    const data = place('gatehouse device message v1', 1, counter);
    const iv = Buffer.concat([Buffer.alloc(4), u64(counter)]);
    const sealed = gcmSeal(toAgent, iv, data, Buffer.from(JSON.stringify(request)));
    const body = Buffer.concat([Buffer.of(1), u64(counter), sealed]);
    return read(await post('/api/requests?api-version=2.0', { 'x-session-id': sessionId }, body));
  };
  const whole = await ask(1, 'echo');
  expect(whole.subarray(0, 9)).toEqual(Buffer.concat([Buffer.of(1), u64(1)]));
  const iv = Buffer.concat([Buffer.alloc(4), u64(1)]);
  const plaintext = gcmOpen(toApp, iv, place('gatehouse device message v1', 2, 1), whole.subarray(9));
  expect(JSON.parse(plaintext.toString())).toEqual({ PayloadType: 'echo', Payload: { echo: 'Öl' } });

  // 10.7
  const streamed = await ask(2, 'export');
  expect(streamed.subarray(0, 9)).toEqual(Buffer.concat([Buffer.of(2), u64(2)]));
  const context = place('gatehouse device stream v1', 2, 2);
  const all = openChunks(hkdf(streams, Buffer.alloc(0), context), context, streamed.subarray(9));
  const head = all.readUInt32BE(0);
  expect(JSON.parse(all.subarray(4, 4 + head).toString())).toEqual({ PayloadType: 'export', Payload: 'Öl' });
  expect(all.subarray(4 + head)).toEqual(Buffer.alloc(70_000, 5));
});

test('and decrypts a blob', async () => {
  const [key, content] = [new Uint8Array(randomBytes(32)), new Uint8Array(randomBytes(200_000))];
  const version = sha256(content).toString('hex');
  const parts: Uint8Array[] = [];
  for await (const part of encryptBlob(key, { version, length: content.length }, [content])) parts.push(part);
  const context = Buffer.concat([text('gatehouse blob v1'), text(version), u64(content.length)]);
  expect(openChunks(key, context, Buffer.concat(parts))).toEqual(Buffer.from(content));
});
