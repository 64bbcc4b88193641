// One request and its answer through the relay, within one session and under one counter. Until the answer's head has
// been read and found authentic, nothing of it is handed out.
import { deviceBodyLimit, deviceHeaders } from '../contracts/device-api.ts';
import { GatehouseError } from '../contracts/errors.ts';
import { notAuthentic, type AppSession } from './app-session.ts';
import { concat, type Bytes } from './bytes.ts';
import { partsOf, type AnswerBody } from './call-watch.ts';
import { form, messageHeadLength, readMessageHead } from './messages.ts';
import type { RequestPayload } from './payload.ts';
import { collect, type RelayApi } from './relay-api.ts';
import type { StreamedAnswer } from './streamed-answer.ts';

/** Of a whole answer, in bytes. Longer ones are streamed. */
const maxWholeAnswer = 16 * 1024 * 1024;

/**
 * Settles `counter` whatever happens, with a streamed answer when its body is over.
 * @throws GatehouseError what `RelayApi.call` and `AppSession.open` do, and `rpc_too_large` before anything is sent
 */
export async function exchange(
  api: RelayApi,
  session: AppSession,
  counter: number,
  request: RequestPayload,
  signal?: AbortSignal,
): Promise<StreamedAnswer> {
  let owed = true;
  try {
    const body = await session.seal(counter, request);
    if (body.length > deviceBodyLimit.request) {
      throw new GatehouseError('rpc_too_large', 'The request is longer than 1 MiB. Send it in parts.');
    }
    const headers = { [deviceHeaders.sessionId]: session.sessionId };
    const answer = await api.call('request', {
      headers,
      contentType: 'application/octet-stream',
      body,
      signal,
    });
    const opened = await read(session, counter, answer.body);
    owed = !opened.streamed;
    return opened.streamed
      ? { ...opened.answer, body: settling(session, opened.answer.body) }
      : opened.answer;
  } finally {
    if (owed) session.settle();
  }
}

interface Opened {
  readonly streamed: boolean;
  readonly answer: StreamedAnswer;
}

async function read(session: AppSession, counter: number, body: AnswerBody): Promise<Opened> {
  try {
    const held = await beginningOf(body);
    const head = readMessageHead(held);
    if (head?.counter !== counter) throw notAuthentic();
    if (head.form === form.streamed) {
      const rest = continued(held.subarray(messageHeadLength), body);
      return { streamed: true, answer: await session.openStreamed(counter, rest) };
    }
    const message = await collect(body, maxWholeAnswer, held);
    return { streamed: false, answer: { ...(await session.open(counter, message)), body: nothing() } };
  } catch (error) {
    body.end();
    throw error;
  }
}

/** The first bytes: a message's head, and what came with it. */
async function beginningOf(body: AnswerBody): Promise<Bytes> {
  let held: Bytes | null = null;
  while (held === null || held.length < messageHeadLength) {
    const part = await body.next();
    if (part === null) throw new GatehouseError('truncated', 'The answer ended before its end.');
    held = held === null ? part : concat(held, part);
  }
  return held;
}

async function* continued(first: Bytes, body: AnswerBody): AsyncGenerator<Bytes> {
  if (first.length > 0) yield first;
  yield* partsOf(body);
}

async function* settling(session: AppSession, body: AsyncIterable<Bytes>): AsyncGenerator<Bytes> {
  try {
    yield* body;
  } finally {
    session.settle();
  }
}

async function* nothing(): AsyncGenerator<Bytes> {
  // A whole answer has no body.
}
