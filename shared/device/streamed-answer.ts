// Streamed answers: one answer whose body is too long, or too live, to be sealed whole. A key of its own for each, out of
// session, direction and counter; inside the chunks first the answer's JSON with its length, then the body.
import { GatehouseError } from '../contracts/errors.ts';
import { concat, readU32, u32, type Bytes } from './bytes.ts';
import { decryptChunks, eachOf, encryptChunks, type ByteSource, type ChunkCipher } from './chunks.ts';
import { derived, gcmKey } from './handshake.ts';
import { form, messageHead, placeData, streamLabel, type MessagePlace } from './messages.ts';
import { decodeAnswer, encodeAnswer, type AnswerPayload } from './payload.ts';
import type { Key } from './primitives.ts';

/** Of the JSON at the head, in bytes. */
const maxHeadLength = 64 * 1024;

export interface StreamedAnswer extends AnswerPayload {
  /** Authentic piece by piece; whole only where it ends without an error. */
  readonly body: AsyncIterable<Bytes>;
}

export async function streamCipher(streams: Key, place: MessagePlace): Promise<ChunkCipher> {
  const context = placeData(streamLabel, place);
  return { key: await gcmKey(await derived(streams, new Uint8Array(), context, 32)), context };
}

/** The bytes of the answer, its head included. */
export async function* sealStreamedAnswer(
  streams: Key,
  place: MessagePlace,
  answer: AnswerPayload,
  body: ByteSource,
): AsyncGenerator<Bytes> {
  const cipher = await streamCipher(streams, place);
  yield messageHead(form.streamed, place.counter);
  yield* encryptChunks(cipher, withHead(answer, body));
}

/**
 * Reads the answer in `source`, which comes after the message's head.
 * @throws GatehouseError `ANSWER_NOT_AUTHENTIC`, `truncated`, or the agent's error
 */
export async function openStreamedAnswer(
  streams: Key,
  place: MessagePlace,
  source: ByteSource,
): Promise<StreamedAnswer> {
  const cipher = await streamCipher(streams, place);
  const plaintext = decryptChunks(cipher, source, { code: 'ANSWER_NOT_AUTHENTIC' });
  try {
    const [head, rest] = await readHead(plaintext);
    return { ...decodeAnswer(head), body: bodyOf(rest, plaintext) };
  } catch (error) {
    await plaintext.return(undefined);
    throw error;
  }
}

async function* withHead(answer: AnswerPayload, body: ByteSource): AsyncGenerator<Uint8Array> {
  const head = encodeAnswer(answer);
  if (head.length > maxHeadLength)
    throw new GatehouseError('rpc_too_large', 'The answer’s head is too long.');
  yield concat(u32(head.length), head);
  yield* eachOf(body);
}

async function readHead(plaintext: AsyncGenerator<Bytes>): Promise<[Bytes, Bytes]> {
  let held: Bytes = new Uint8Array();
  for (;;) {
    const length = held.length < 4 ? null : readU32(held, 0);
    if (length !== null && length > maxHeadLength) throw malformed();
    if (length !== null && held.length >= 4 + length) {
      return [held.subarray(4, 4 + length), held.subarray(4 + length)];
    }
    const next = await plaintext.next();
    if (next.done === true) throw malformed();
    held = concat(held, next.value);
  }
}

async function* bodyOf(first: Bytes, rest: AsyncGenerator<Bytes>): AsyncGenerator<Bytes> {
  if (first.length > 0) yield first;
  yield* rest;
}

function malformed(): GatehouseError {
  return new GatehouseError('ANSWER_NOT_AUTHENTIC', 'The agent’s streamed answer has no head.');
}
