// The test vectors of device sessions, out of fixed inputs: what shared/testing/vectors/device-*.json holds. Every step
// stands there, so that someone who builds an app in another language finds where he differs.
import * as bytes from '../device/bytes.ts';
import type { Bytes } from '../device/bytes.ts';
import { blobCipher, blobLength, encryptBlob } from '../device/blobs.ts';
import type { ChunkCipher } from '../device/chunks.ts';
import * as handshake from '../device/handshake.ts';
import { fingerprintOf } from '../device/identity.ts';
import { direction, messageHead, form, placeData, sealMessage, streamLabel } from '../device/messages.ts';
import { encodeAnswer, encodeRequest } from '../device/payload.ts';
import { hkdfKey, hkdfSha256, sha256, sharedSecret, spkiOf } from '../device/primitives.ts';
import { formatRegistrationCode, registrationProof } from '../device/registration.ts';
import { sealStreamedAnswer } from '../device/streamed-answer.ts';
import { fixedKey, signDeterministically, type FixedKey } from './deterministic-p256.ts';

const serviceId = 'abcd-efgh-ijkl';
const issuer = 'https://issuer.example/realms/öffentlich';
const subject = '6f9a2c10-anna';
const sessionId = 'dGVzdC1zZXNzaW9uLWlk';
const limits = { lifetimeSeconds: 900, requests: 1000 };
const { hex } = bytes;

/** `length` bytes that count up from `from`. */
export function counting(length: number, from = 0): Bytes {
  return Uint8Array.from({ length }, (_, at) => (from + at) & 0xff);
}

export const fixed = {
  agent: fixedKey(counting(32, 0x10)),
  device: fixedKey(counting(32, 0x40)),
  agentEphemeral: fixedKey(counting(32, 0x70)),
  deviceEphemeral: fixedKey(counting(32, 0xa0)),
  deviceNonce: counting(32, 0xc0),
  agentNonce: counting(32, 0xe0),
  facts: { serviceId, issuer, subject },
  sessionId,
  limits,
};

/** A file's name, and what it holds. */
export async function deviceVectors(): Promise<Readonly<Record<string, unknown>>> {
  const started = await handshakeVectors();
  return {
    'device-identity.json': await identityVectors(),
    'device-registration.json': await registrationVectors(),
    'device-handshake.json': started.file,
    'device-messages.json': await messageVectors(started.keys),
    'device-streams.json': await streamVectors(started.rawKeys.streams),
    'device-blobs.json': await blobVectors(),
  };
}

async function identityVectors(): Promise<unknown> {
  const of = async ({ scalar, point }: FixedKey): Promise<unknown> => ({
    d: bytes.base64url(scalar),
    x: bytes.base64url(point.subarray(1, 33)),
    y: bytes.base64url(point.subarray(33)),
    point: hex(point),
    spki: hex(spkiOf(point)),
    fingerprint: await fingerprintOf(point),
  });
  return { agent: await of(fixed.agent), device: await of(fixed.device) };
}

async function registrationVectors(): Promise<unknown> {
  const code = counting(16, 0xf0);
  const points = { agentPoint: fixed.agent.point, devicePoint: fixed.device.point };
  const facts = { ...fixed.facts, ...points };
  return {
    ...fixed.facts,
    agentPoint: hex(points.agentPoint),
    devicePoint: hex(points.devicePoint),
    code: formatRegistrationCode(code),
    deviceProof: await registrationProof('device', code, facts),
    agentProof: await registrationProof('agent', code, facts),
  };
}

interface HandshakeVectors {
  readonly file: unknown;
  readonly keys: handshake.SessionKeys;
  readonly rawKeys: { readonly streams: Bytes };
}

async function handshakeVectors(): Promise<HandshakeVectors> {
  const { agent, device, agentEphemeral, deviceEphemeral, deviceNonce, agentNonce, facts } = fixed;
  const points = { agentPoint: agent.point, devicePoint: device.point };
  const statement = handshake.startStatement({ ...facts, ...points }, deviceNonce, deviceEphemeral.point);
  const deviceSignature = await signDeterministically(device, statement);
  const ours = { nonce: agentNonce, ephemeral: agentEphemeral.point, limits };
  const transcript = await handshake.transcriptHash(statement, deviceSignature, ours, sessionId);
  const signature = await signDeterministically(agent, handshake.answerStatement(transcript));
  const shared = await ecdh(deviceEphemeral, agentEphemeral.point);
  const rawKeys = await rawSessionKeys(shared, transcript);
  const start = { nonce: deviceNonce, ephemeral: deviceEphemeral.point, signature: deviceSignature };
  const file = {
    ...facts,
    ...Object.fromEntries(Object.entries(points).map(([name, point]) => [name, hex(point)])),
    deviceEphemeralPrivate: hex(deviceEphemeral.scalar),
    agentEphemeralPrivate: hex(agentEphemeral.scalar),
    deviceNonce: hex(deviceNonce),
    agentNonce: hex(agentNonce),
    limits,
    sessionId,
    startStatement: hex(statement),
    startMessage: hex(handshake.encodeStart(start)),
    transcript: hex(transcript),
    answerStatement: hex(handshake.answerStatement(transcript)),
    startAnswer: hex(handshake.encodeStartAnswer({ ...ours, signature })),
    sharedSecret: hex(shared),
    keyToAgent: hex(rawKeys.toAgent),
    keyToApp: hex(rawKeys.toApp),
    keyStreams: hex(rawKeys.streams),
  };
  return { file, keys: await handshake.sessionKeys(shared, transcript), rawKeys };
}

/** As the document says it, apart from `sessionKeys`, whose keys cannot be read. */
async function rawSessionKeys(
  shared: Bytes,
  transcript: Bytes,
): Promise<Readonly<Record<'toAgent' | 'toApp' | 'streams', Bytes>>> {
  const material = await hkdfKey(shared);
  const key = async (label: string): Promise<Bytes> =>
    (await hkdfSha256(material, transcript, bytes.field(label), 32)) ?? new Uint8Array();
  return {
    toAgent: await key('gatehouse device key app to agent v1'),
    toApp: await key('gatehouse device key agent to app v1'),
    streams: await key('gatehouse device key streams v1'),
  };
}

async function messageVectors(keys: handshake.SessionKeys): Promise<unknown> {
  const requestIds = [0x20, 0x30, 0x40].map((first) => bytes.base64url(counting(16, first)));
  const [payloadType, payload] = ['documents.list', { collection: 'Pläne', search: 'Öl' }] as const;
  const answered = { payloadType, payload: { documents: [], next: null } };
  const details = { reason: 'example' };
  const refused = {
    payloadType: 'Error',
    payload: { code: 'collection_unknown', message: 'There is none.', details },
  };
  const exchanges = [
    { counter: 1, requestId: requestIds[0], answer: answered },
    { counter: 2, requestId: requestIds[1], answer: refused },
    { counter: 1000, requestId: requestIds[2], answer: answered },
    // The second one again, which was sent first in another session.
    { counter: 3, requestId: requestIds[1], firstSession: 'RWFybGllci1zZXNzaW9u', answer: answered },
  ] as const;
  const messages = exchanges.map(async ({ counter, requestId = '', answer: told, ...retry }) => {
    const request = encodeRequest({ payloadType, payload, requestId, ...retry });
    const answer = encodeAnswer(told);
    const toAgent = { sessionId, direction: direction.toAgent, counter };
    const toApp = { sessionId, direction: direction.toApp, counter };
    return {
      counter,
      requestPlaintext: bytes.textOf(request),
      requestData: hex(placeData('gatehouse device message v1', toAgent)),
      request: hex(await sealMessage(keys.toAgent, toAgent, request)),
      answerPlaintext: bytes.textOf(answer),
      answerData: hex(placeData('gatehouse device message v1', toApp)),
      answer: hex(await sealMessage(keys.toApp, toApp, answer)),
    };
  });
  return { sessionId, messages: await Promise.all(messages) };
}

async function streamVectors(streams: Bytes): Promise<unknown> {
  const answers = [0, 1, 65_000, 200_000].map(async (length, index) => {
    const place = { sessionId, direction: direction.toApp, counter: index + 1 };
    const context = placeData(streamLabel, place);
    const raw = await hkdfSha256(await hkdfKey(streams), new Uint8Array(), context, 32);
    const head = { payloadType: 'chargen', payload: null };
    const message = await gathered(
      sealStreamedAnswer(await hkdfKey(streams), place, head, [counting(length)]),
    );
    return {
      counter: place.counter,
      context: hex(context),
      key: hex(raw ?? new Uint8Array()),
      head: hex(messageHead(form.streamed, place.counter)),
      answerPlaintext: bytes.textOf(encodeAnswer(head)),
      bodyLength: length,
      ...(await described(message)),
    };
  });
  return { body: 'bytes that count up from 0, modulo 256', sessionId, answers: await Promise.all(answers) };
}

async function blobVectors(): Promise<unknown> {
  const key = counting(32, 0x80);
  const blobs = [0, 1, 65_536, 65_537, 200_000].map(async (length) => {
    const version = hex(await sha256(counting(length)));
    const cipher: ChunkCipher = await blobCipher(key, { version, length });
    const sealed = await gathered(encryptBlob(key, { version, length }, [counting(length)]));
    const sealedLength = blobLength(length);
    return { length, version, context: hex(cipher.context), sealedLength, ...(await described(sealed)) };
  });
  return {
    plaintext: 'bytes that count up from 0, modulo 256',
    key: hex(key),
    blobs: await Promise.all(blobs),
  };
}

/** Short ones whole, long ones by their hash and their ends. */
async function described(sealed: Bytes): Promise<object> {
  const digest = { sealedSha256: hex(await sha256(sealed)) };
  if (sealed.length <= 200) return { sealed: hex(sealed), ...digest };
  return { begin: hex(sealed.subarray(0, 64)), end: hex(sealed.subarray(-64)), ...digest };
}

export async function gathered(source: AsyncIterable<Bytes>): Promise<Bytes> {
  const parts: Bytes[] = [];
  for await (const part of source) parts.push(part);
  return bytes.concat(...parts);
}

/** A WebCrypto pair of a fixed key, for ECDH. */
export async function ephemeralPair(key: FixedKey): Promise<CryptoPair> {
  const algorithm = { name: 'ECDH', namedCurve: 'P-256' };
  const [x, y] = [key.point.subarray(1, 33), key.point.subarray(33)].map(bytes.base64url);
  const jwk = { kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '', d: bytes.base64url(key.scalar) };
  return {
    privateKey: await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['deriveBits']),
    publicKey: await crypto.subtle.importKey('raw', key.point, algorithm, true, []),
  };
}
type PrivateKey = Awaited<ReturnType<typeof hkdfKey>>;
interface CryptoPair {
  readonly privateKey: PrivateKey;
  readonly publicKey: PrivateKey;
}

async function ecdh(own: FixedKey, peer: Bytes): Promise<Bytes> {
  const shared = await sharedSecret((await ephemeralPair(own)).privateKey, peer);
  if (shared === null) throw new Error('a fixed key is no point on P-256');
  return shared;
}
