// The body of an answer as it comes: in pieces, of which none is held once it has been handed on.
import { expect, it } from 'vitest';
import { RelayApi } from './relay-api.ts';

const mib = 1024 * 1024;
/** Of the body, and what may be held of it before the collector has been round, in bytes. */
const bodyLength = 512 * mib;
const maxHeld = 256 * mib;

/** A relay that answers everything with a body of so many bytes. */
function relayOf(length: number): RelayApi {
  const answer = (): Promise<Response> => {
    let left = length;
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
      if (left > 0) controller.enqueue(new Uint8Array(64 * 1024).fill(left));
      else controller.close();
      left -= 64 * 1024;
    };
    return Promise.resolve(new Response(new ReadableStream({ pull })));
  };
  const tokens = { token: () => Promise.resolve('token') };
  return new RelayApi(tokens, {
    relay: 'https://relay.example',
    serviceId: 'abcd-efgh-ijkl',
    fetch: answer,
  });
}

it('a body of half a gigabyte is read in memory that does not grow with it', async () => {
  const before = process.memoryUsage().arrayBuffers;
  const { body } = await relayOf(bodyLength).blob('blob', 0);
  let received = 0;
  let most = 0;
  for await (const part of body) {
    received += part.length;
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  expect(received).toBe(bodyLength);
  expect(most).toBeLessThan(maxHeld);
});
