// A receiver that stops reading stops its own sender and nobody else, and what waits at the relay is bounded: per
// stream by its window, per user and in all by named limits.
import { afterEach, describe, expect, it } from 'vitest';
import { readPrefixed } from '../net/prefixed.ts';
import {
  connectClient,
  connectService,
  firstAnswer,
  openStream,
  startTestRelay,
} from '../testing/relay-peers.ts';
import type { TestRelay } from '../testing/relay-peers.ts';
import { defaultWireLimits } from '../wire/limits.ts';
import type { YamuxStream } from '../wire/stream.ts';

const mebibyte = 1024 * 1024;
/** What a stalled stream can hold on its way: the window of the relay, and that of the receiver. */
const twoWindows = 2 * defaultWireLimits.maxStreamWindow;

let test: TestRelay;

afterEach(async () => {
  await test.stop();
});

/** A sender that always has 256 KiB ready; `sent` counts what has left it. */
class Fountain {
  sent = 0;
  lastSentAt = performance.now();
  closed: string | undefined;
  readonly #stream: YamuxStream;

  constructor(stream: YamuxStream) {
    this.#stream = stream;
    stream.attach({
      data: (chunk) => {
        stream.consumed(chunk.length);
      },
      end: () => undefined,
      sent: (bytes) => {
        this.sent += bytes;
        this.lastSentAt = performance.now();
        this.#fill();
      },
      closed: (error) => (this.closed = error?.code),
    });
    this.#fill();
  }

  get still(): boolean {
    return performance.now() - this.lastSentAt > 200;
  }

  #fill(): void {
    queueMicrotask(() => {
      while (this.#stream.state === 'open' && this.#stream.queuedBytes < 256 * 1024) {
        this.#stream.write(Buffer.alloc(64 * 1024));
      }
    });
  }
}

/** A service whose first `count` streams are fountains, and whose later ones echo their header. */
async function connectFountains(
  count: number,
  token?: string,
): Promise<{ name: string; fountains: Fountain[] }> {
  const fountains: Fountain[] = [];
  let opened = 0;
  const onStream = (stream: YamuxStream): void => {
    opened += 1;
    const isFountain = opened <= count;
    readPrefixed(stream, 5000, {
      failed: () => undefined,
      arrived: () => {
        if (isFountain) fountains.push(new Fountain(stream));
        else {
          stream.attach({
            data: () => undefined,
            end: () => undefined,
            sent: () => undefined,
            closed: () => undefined,
          });
          stream.write(Buffer.from([0, 2, 0x7b, 0x7d]));
        }
      },
    });
  };
  const { name } = await connectService(test.url, { onStream, ...(token === undefined ? {} : { token }) });
  return { name, fountains };
}

describe('a client that stops reading one stream', () => {
  it('stops that stream at the service within its windows, and gets all of it when it reads on', async () => {
    test = await startTestRelay({ open: true });
    const { name, fountains } = await connectFountains(1);
    const client = await connectClient(test.url);
    const stalled = openStream(client, { v: 1, kind: 'e2ee', serviceId: name });
    stalled.reading = false;
    await expect.poll(() => fountains[0]?.still).toBe(true);
    const sent = fountains[0]!.sent;
    expect(sent).toBeGreaterThanOrEqual(256 * 1024);
    expect(sent).toBeLessThanOrEqual(twoWindows);
    expect(await firstAnswer(client, { v: 1, kind: 'e2ee', serviceId: name })).toEqual({});
    stalled.reading = true;
    stalled.stream.consumed(stalled.received);
    await stalled.until(() => stalled.received > 8 * mebibyte);
    stalled.stream.reset();
  });

  it('stops nobody else', async () => {
    test = await startTestRelay({ open: true });
    const { name, fountains } = await connectFountains(2);
    const client = await connectClient(test.url);
    const stalled = openStream(client, { v: 1, kind: 'e2ee', serviceId: name });
    stalled.reading = false;
    await expect.poll(() => fountains[0]?.still).toBe(true);
    const flowing = openStream(client, { v: 1, kind: 'e2ee', serviceId: name });
    await flowing.until(() => flowing.received > 16 * mebibyte);
    expect(stalled.received).toBeLessThanOrEqual(twoWindows);
    flowing.stream.reset();
  });
});

describe('a service that stops reading one stream', () => {
  it('stops that stream at the client within its windows', async () => {
    test = await startTestRelay({ open: true });
    const { name } = await connectService(test.url, {
      onStream: (stream) => {
        stream.attach({
          data: () => undefined,
          end: () => undefined,
          sent: () => undefined,
          closed: () => undefined,
        });
      },
    });
    const client = await connectClient(test.url);
    const { stream } = openStream(client, { v: 1, kind: 'e2ee', serviceId: name });
    const fountain = new Fountain(stream);
    await expect.poll(() => fountain.still).toBe(true);
    expect(fountain.sent).toBeLessThanOrEqual(twoWindows);
  });
});

describe('a user who stalls many streams', () => {
  it('has those reset that would hold more than a user may, and other users go on', async () => {
    const limit = mebibyte;
    test = await startTestRelay({ limits: { maxBufferedBytesPerUser: limit } });
    const enrolment = await test.state.enrolmentTokens.mint();
    const { name, fountains } = await connectFountains(12, enrolment.token);
    const [bad, good] = [
      await test.state.clientTokens.mint('bad', null),
      await test.state.clientTokens.mint('good', null),
    ];
    const [hog, other] = [
      await connectClient(test.url, bad.token),
      await connectClient(test.url, good.token),
    ];
    const stalled = Array.from({ length: 12 }, () =>
      openStream(hog, { v: 1, kind: 'e2ee', serviceId: name }),
    );
    for (const each of stalled) each.reading = false;
    await expect.poll(() => fountains.length === 12 && fountains.every((each) => each.still)).toBe(true);
    const alive = stalled.filter(({ stream }) => stream.state === 'open');
    expect(alive.length).toBeGreaterThan(0);
    expect(alive.length).toBeLessThan(12);
    expect(fountains.filter((each) => each.closed === 'stream_reset')).toHaveLength(12 - alive.length);
    expect(await firstAnswer(other, { v: 1, kind: 'e2ee', serviceId: name })).toEqual({});
    hog.link.close();
    const again = await connectClient(test.url, bad.token);
    expect(await firstAnswer(again, { v: 1, kind: 'e2ee', serviceId: name })).toEqual({});
  });
});
