// One request or whole answer of a session: its head, its associated data and its AES-256-GCM. Every message is bound to
// session, direction, counter and form, so that none can stand in another's place. Whether a counter may be used is
// decided elsewhere (agent-session.ts, app-keys.ts); this file must never choose one.
import { concat, field, readU64, u64, u8, type Bytes } from './bytes.ts';
import { openGcm, sealGcm, type Key } from './primitives.ts';

const messageLabel = 'gatehouse device message v1';
export const streamLabel = 'gatehouse device stream v1';

/** The first byte of a message: whole, or streamed (see streamed-answer.ts). */
export const form = { whole: 1, streamed: 2 } as const;
/** The direction as it stands in associated data. */
export const direction = { toAgent: 1, toApp: 2 } as const;
type Direction = (typeof direction)[keyof typeof direction];

/** Form and counter. */
export const messageHeadLength = 9;

export interface MessagePlace {
  readonly sessionId: string;
  readonly direction: Direction;
  readonly counter: number;
}

interface MessageHead {
  readonly form: number;
  readonly counter: number;
}

export function messageHead(messageForm: number, counter: number): Bytes {
  return concat(u8(messageForm), u64(counter));
}

/** Null where `bytes` are too few. */
export function readMessageHead(bytes: Uint8Array): MessageHead | null {
  if (bytes.length < messageHeadLength) return null;
  return { form: bytes[0] ?? 0, counter: readU64(bytes, 1) };
}

/** Label, session id, direction and counter: what messages and streams are bound to. */
export function placeData(label: string, { sessionId, direction: way, counter }: MessagePlace): Bytes {
  if (latest.label !== label || latest.sessionId !== sessionId) {
    latest = { label, sessionId, fields: concat(field(label), field(sessionId)) };
  }
  return concat(latest.fields, u8(way), u64(counter));
}

/** The beginning of the latest place, which is often that of the next one too. */
let latest = { label: '', sessionId: '', fields: new Uint8Array() };

export async function sealMessage(key: Key, place: MessagePlace, plaintext: Bytes): Promise<Bytes> {
  const sealed = await sealGcm(key, messageNonce(place.counter), placeData(messageLabel, place), plaintext);
  return concat(messageHead(form.whole, place.counter), sealed ?? new Uint8Array());
}

/** The plaintext of `message`, or null where it is not authentic at this place. */
export async function openMessage(key: Key, place: MessagePlace, message: Bytes): Promise<Bytes | null> {
  const head = readMessageHead(message);
  if (head?.form !== form.whole || head.counter !== place.counter) return null;
  const sealed = message.subarray(messageHeadLength);
  return openGcm(key, messageNonce(place.counter), placeData(messageLabel, place), sealed);
}

/** Four zero bytes and the counter. Each direction has a key of its own, so no nonce comes twice under one key. */
function messageNonce(counter: number): Bytes {
  return concat(new Uint8Array(4), u64(counter));
}
