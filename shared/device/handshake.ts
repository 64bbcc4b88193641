// What both sides of the start handshake have in common: the structures that are signed, the transcript, and the keys
// that come out of it. Pure functions of bytes; who checks what is in app-handshake.ts and agent-handshake.ts.
import { GatehouseError } from '../contracts/errors.ts';
import { concat, field, readU32, u32, u8, type Bytes } from './bytes.ts';
import type { DeviceSessionLimits } from './limits.ts';
import * as primitives from './primitives.ts';
import type { Key } from './primitives.ts';

const sessionVersion = 1;
export const nonceLength = 32;
const startMessageLength = 1 + nonceLength + primitives.pointLength + primitives.signatureLength;
export const startAnswerLength = 1 + nonceLength + primitives.pointLength + 8 + primitives.signatureLength;

const startLabel = 'gatehouse device start v1';
const transcriptLabel = 'gatehouse device transcript v1';
const answerLabel = 'gatehouse device answer v1';
const keyLabels = {
  toAgent: 'gatehouse device key app to agent v1',
  toApp: 'gatehouse device key agent to app v1',
  streams: 'gatehouse device key streams v1',
} as const;

/** Who talks to whom, as both sides must know it without the message. */
export interface StartFacts {
  readonly serviceId: string;
  readonly issuer: string;
  readonly subject: string;
  readonly agentPoint: Bytes;
  readonly devicePoint: Bytes;
}

export interface StartMessage {
  readonly nonce: Bytes;
  readonly ephemeral: Bytes;
  readonly signature: Bytes;
}

interface StartAnswer {
  readonly nonce: Bytes;
  readonly ephemeral: Bytes;
  readonly limits: DeviceSessionLimits;
  readonly signature: Bytes;
}

/** The keys of one session. None can be read, and all go when the session does. */
export interface SessionKeys {
  readonly toAgent: Key;
  readonly toApp: Key;
  /** What the key of each streamed answer is derived from. */
  readonly streams: Key;
}

/** What the device signs. */
export function startStatement(facts: StartFacts, nonce: Bytes, ephemeral: Bytes): Bytes {
  const { serviceId, issuer, subject, agentPoint, devicePoint } = facts;
  const head = concat(field(startLabel), u8(sessionVersion), field(serviceId));
  return concat(head, agentPoint, devicePoint, field(issuer), field(subject), nonce, ephemeral);
}

export function encodeStart({ nonce, ephemeral, signature }: StartMessage): Bytes {
  return concat(u8(sessionVersion), nonce, ephemeral, signature);
}

/** Null where `message` has another length or version. */
export function decodeStart(message: Bytes): StartMessage | null {
  if (message.length !== startMessageLength || message[0] !== sessionVersion) return null;
  const [nonce, ephemeral, signature] = split(message.subarray(1), nonceLength, primitives.pointLength);
  return { nonce, ephemeral, signature };
}

export function encodeStartAnswer({ nonce, ephemeral, limits, signature }: StartAnswer): Bytes {
  return concat(u8(sessionVersion), nonce, ephemeral, encodeLimits(limits), signature);
}

/** Null where `answer` has another length or version. Its limits are as they came. */
export function decodeStartAnswer(answer: Bytes): StartAnswer | null {
  if (answer.length !== startAnswerLength || answer[0] !== sessionVersion) return null;
  const [nonce, ephemeral, rest] = split(answer.subarray(1), nonceLength, primitives.pointLength);
  const limits = { lifetimeSeconds: readU32(rest, 0), requests: readU32(rest, 4) };
  return { nonce, ephemeral, limits, signature: rest.slice(8) };
}

/** The hash of all that was said: the device's statement and signature, and what the agent adds to it. */
export async function transcriptHash(
  statement: Bytes,
  deviceSignature: Bytes,
  answer: Omit<StartAnswer, 'signature'>,
  sessionId: string,
): Promise<Bytes> {
  const { nonce, ephemeral, limits } = answer;
  const ours = concat(nonce, ephemeral, encodeLimits(limits), field(sessionId));
  return primitives.sha256(concat(field(transcriptLabel), statement, deviceSignature, ours));
}

/** What the agent signs. */
export function answerStatement(transcript: Bytes): Bytes {
  return concat(field(answerLabel), transcript);
}

/** Wipes `shared`. */
export async function sessionKeys(shared: Bytes, transcript: Bytes): Promise<SessionKeys> {
  const material = await primitives.hkdfKey(shared);
  shared.fill(0);
  const derive = (label: string): Promise<Bytes> => derived(material, transcript, field(label), 32);
  return {
    toAgent: await gcmKey(await derive(keyLabels.toAgent)),
    toApp: await gcmKey(await derive(keyLabels.toApp)),
    streams: await primitives.hkdfKey(await derive(keyLabels.streams)),
  };
}

export async function derived(material: Key, salt: Bytes, info: Bytes, length: number): Promise<Bytes> {
  const bytes = await primitives.hkdfSha256(material, salt, info, length);
  if (bytes === null) throw new GatehouseError('internal', 'A key of a wrong length was asked for.');
  return bytes;
}

export async function gcmKey(raw: Bytes): Promise<Key> {
  const key = await primitives.aesKey(raw);
  if (key === null) throw new GatehouseError('internal', 'An AES key has the wrong length.');
  return key;
}

function encodeLimits({ lifetimeSeconds, requests }: DeviceSessionLimits): Bytes {
  return concat(u32(lifetimeSeconds), u32(requests));
}

function split(bytes: Bytes, first: number, second: number): [Bytes, Bytes, Bytes] {
  return [bytes.slice(0, first), bytes.slice(first, first + second), bytes.slice(first + second)];
}
