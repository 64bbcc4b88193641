// Waiting for a document that the service still prepares: as long as the service says so, and on nobody else's word.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { GatehouseError } from '../contracts/errors.ts';
import { askForDocument } from './document-answer.ts';
import { decodeAnswer, encodeAnswer, errorAnswer } from './payload.ts';
import { oncePrepared, preparingError } from './preparing.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

/** Throws each of `errors`, then answers. */
function asking(errors: readonly Error[]): { readonly ask: () => Promise<string>; asked(): number } {
  let asked = 0;
  const ask = (): Promise<string> => {
    const error = errors[asked];
    asked += 1;
    return error === undefined ? Promise.resolve('ready') : Promise.reject(error);
  };
  return { ask, asked: () => asked };
}

/** `error` as it comes out of an authentic answer. */
function ofTheAgent(error: GatehouseError): Error {
  try {
    decodeAnswer(encodeAnswer(errorAnswer(error.toJSON())));
  } catch (thrown) {
    return thrown as Error;
  }
  return new Error('An answer that tells an error was none.');
}

it('asks again after the pause that the service wants, and tells how far it is', async () => {
  const { ask, asked } = asking([
    preparingError({ done: 10, total: 40 }),
    preparingError({ done: 30, total: 40 }),
  ]);
  const seen: unknown[] = [];
  const answer = oncePrepared(ask, { onPreparing: (progress) => seen.push(progress) });
  await vi.advanceTimersByTimeAsync(999);
  expect(asked()).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(asked()).toBe(2);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await answer).toBe('ready');
  expect(seen).toEqual([
    { done: 10, total: 40 },
    { done: 30, total: 40 },
  ]);
});

it('waits for more than any time limit of a request', async () => {
  const { ask } = asking(Array.from({ length: 600 }, () => preparingError({ done: 1, total: 2 })));
  const answer = oncePrepared(ask);
  await vi.advanceTimersByTimeAsync(600_000);
  expect(await answer).toBe('ready');
});

it.each([
  ['no figures', {}, 1_000],
  ['a pause of a year', { retryAfterMs: 3e10 }, 60_000],
  ['texts for figures', { done: 'x', total: 'y', retryAfterMs: 'z' }, 1_000],
])('bears an answer with %s', async (_what, details, pauseMs) => {
  const { ask, asked } = asking([new GatehouseError('document_preparing', 'wait', { details })]);
  const seen: unknown[] = [];
  const answer = oncePrepared(ask, { onPreparing: (progress) => seen.push(progress) });
  await vi.advanceTimersByTimeAsync(pauseMs - 1);
  expect(asked()).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(await answer).toBe('ready');
  expect(seen).toEqual([{ done: 0, total: 0 }]);
});

it('is cancelled in its pause', async () => {
  const cancel = new AbortController();
  const answer = oncePrepared(asking([preparingError({ done: 0, total: 1 })]).ask, { signal: cancel.signal });
  const ended = expect(answer).rejects.toMatchObject({ code: 'cancelled' });
  await vi.advanceTimersByTimeAsync(10);
  cancel.abort();
  await ended;
  expect(vi.getTimerCount()).toBe(0);
});

it('any other error ends it', async () => {
  const { ask } = asking([
    preparingError({ done: 0, total: 1 }),
    new GatehouseError('document_changing', 'x'),
  ]);
  const ended = expect(oncePrepared(ask)).rejects.toMatchObject({ code: 'document_changing' });
  await vi.advanceTimersByTimeAsync(1_000);
  await ended;
});

it('an app waits on the word of the agent, and not on a refusal that the relay may have forged', async () => {
  const wanted = { collection: 'files', name: 'a' };
  const said = preparingError({ done: 1, total: 2 });
  const forged = { request: asking([said]).ask };
  await expect(askForDocument(forged, wanted)).rejects.toMatchObject({ code: 'document_preparing' });
  const genuine = asking([ofTheAgent(said)]);
  const answer = expect(askForDocument({ request: genuine.ask }, wanted)).rejects.toMatchObject({
    code: 'blob_not_authentic', // “ready” is no answer to documents.get
  });
  await vi.advanceTimersByTimeAsync(1_000);
  await answer;
  expect(genuine.asked()).toBe(2);
});
