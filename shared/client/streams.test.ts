// Streamed bodies: whole or an error, back-pressure both ways, and nothing left behind.
import { createHash, randomBytes } from 'node:crypto';
import { Readable, type Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { Script } from '../testing/script.ts';
import { scriptedServiceId as id } from '../testing/scripted-service.ts';
import { codeOf, inWorld } from '../testing/scripted-world.ts';
import type { Service } from './index.ts';

const octets = { 'content-type': 'application/octet-stream' };

interface Sides {
  readonly request: Readable;
  readonly answer: Writable;
  /** Sends the head of the answer. */
  readonly begin: (status?: number, type?: Readonly<Record<string, string>>) => void;
}

/** What the service does, by the RPC's name. */
const acts: Readonly<Record<string, (sides: Sides) => void>> = {
  /** Streams back what it gets. */
  up: ({ request, answer, begin }) => {
    begin();
    request.on('data', (chunk: Buffer) => {
      if (!answer.write(chunk)) request.pause();
    });
    answer.on('drain', () => request.resume());
    request.on('end', () => answer.end());
  },
  /** Sends without end. */
  down: ({ answer, begin }) => {
    begin();
    const more = (): void => {
      while (!answer.destroyed && answer.write(Buffer.alloc(16 * 1024, 1)));
    };
    answer.on('drain', more);
    more();
  },
  /** Reads nothing and says nothing. */
  stuck: () => undefined,
  refuse: ({ answer, begin }) => {
    begin(403, { 'content-type': 'application/json' });
    answer.end(JSON.stringify({ error: { code: 'rpc_too_large', message: 'Too large.' } }));
  },
  half: ({ answer, begin }) => {
    begin();
    answer.write('half');
    setTimeout(() => answer.destroy(), 20);
  },
};

const script: Script = {
  rpc: ({ rpcName, h1, h2 }) => {
    const act = acts[rpcName];
    const request = h2?.stream ?? h1?.request;
    const answer = h2?.stream ?? h1?.response;
    if (act === undefined || request === undefined || answer === undefined) return false;
    const begin: Sides['begin'] = (status = 200, type = octets) => {
      h2?.stream.respond({ ':status': status, ...type });
      h1?.response.writeHead(status, type);
    };
    act({ request, answer, begin });
    return true;
  },
};

describe.each([true, false])('a streamed call (HTTP/2: %s)', (useH2WhenAvailable) => {
  const withService = (test: (service: Service) => Promise<void>): Promise<void> =>
    inWorld(script, { useH2WhenAvailable }, async ({ peer, client }) => {
      await test(await client.serviceCloud(id, { e2eeFingerprint: peer.fingerprint }));
    });

  it('carries megabytes both ways at once, intact', async () => {
    await withService(async (service) => {
      const sent = randomBytes(6 * 1024 * 1024 + 17);
      for (const body of [sent, Readable.from(pieces(sent)), pieces(sent)]) {
        const { body: answer, request, contentType } = await service.stream('up', { body });
        const hash = createHash('sha256');
        for await (const chunk of answer as AsyncIterable<Buffer>) hash.update(chunk);
        expect(hash.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'));
        expect(contentType).toBe('application/octet-stream');
        expect(request).toMatchObject({
          status: 'SUCCESS',
          bytesRead: sent.length,
          bytesWritten: sent.length,
        });
      }
    });
  });

  it('carries an empty body', async () => {
    await withService(async (service) => {
      const { body } = await service.stream('up', { body: new Uint8Array(0) });
      expect(await body.toArray()).toEqual([]);
    });
  });

  it('whose reader stops stops the service, and no other call', async () => {
    await withService(async (service) => {
      const { body, request } = await service.stream('down', { body: new Uint8Array(0) });
      let before = -1;
      await expect
        .poll(
          () => {
            const stalled = request.bytesRead === before && before > 0;
            before = request.bytesRead;
            return stalled;
          },
          { interval: 150, timeout: 5000 },
        )
        .toBe(true);
      expect(request.bytesRead).toBeLessThan(4 * 1024 * 1024);
      expect(await codeOf(service.call('ping'))).toBe('resolved');
      body.resume();
      await expect.poll(() => request.bytesRead).toBeGreaterThan(20 * 1024 * 1024);
      body.destroy();
      await expect.poll(() => request.status).toBe('CANCELLED');
    });
  });

  it('that the service does not read stops its source, and times out', async () => {
    await withService(async (service) => {
      let taken = 0;
      async function* endless(): AsyncGenerator<Uint8Array> {
        for (;;) {
          taken += 65_536;
          yield await Promise.resolve(new Uint8Array(65_536));
        }
      }
      const body = Readable.from(endless(), { objectMode: true });
      expect(await codeOf(service.stream('stuck', { body, timeoutMs: 400 }))).toBe('timeout');
      expect(taken).toBeLessThan(16 * 1024 * 1024);
      expect(body.destroyed).toBe(true);
    });
  });

  it('does not time out while it is the caller who is slow', async () => {
    await withService(async (service) => {
      async function* slow(): AsyncGenerator<Uint8Array> {
        for (const piece of ['a', 'b']) {
          await new Promise((resolve) => setTimeout(resolve, 350));
          yield Buffer.from(piece);
        }
      }
      const { body } = await service.stream('up', { body: slow(), timeoutMs: 100 });
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(Buffer.concat((await body.toArray()) as Buffer[]).toString()).toBe('ab');
    });
  });

  it('that is refused rejects with the reason, and destroys its source', async () => {
    await withService(async (service) => {
      const body = Readable.from(pieces(Buffer.alloc(1024 * 1024)));
      expect(await codeOf(service.stream('refuse', { body }))).toBe('rpc_too_large');
      expect(body.destroyed).toBe(true);
    });
  });

  it('that breaks off never ends short', async () => {
    await withService(async (service) => {
      const { body, request } = await service.stream('half', { body: new Uint8Array(0) });
      expect(await codeOf(body.toArray())).toBe('truncated');
      expect(request.status).toBe('INTERRUPTED');
    });
  });

  it('whose source fails is broken off, and the service never takes half a body for a whole one', async () => {
    let outcome = '';
    const watching: Script = {
      rpc: ({ rpcName, h1, h2 }) => {
        const request = h2?.stream ?? h1?.request;
        if (rpcName !== 'watch' || request === undefined) return false;
        request.on(
          'end',
          () => (outcome ||= (h1?.request.complete ?? !h2?.stream.aborted) ? 'whole' : 'broken'),
        );
        request.on('close', () => (outcome ||= 'broken'));
        request.resume();
        return true;
      },
    };
    await inWorld(watching, { useH2WhenAvailable }, async ({ peer, client }) => {
      const service = await client.serviceCloud(id, { e2eeFingerprint: peer.fingerprint });
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield await Promise.resolve(Buffer.from('half'));
        await new Promise((resolve) => setTimeout(resolve, 30));
        throw new Error('disk error');
      }
      expect(await codeOf(service.stream('watch', { body: failing() }))).toBe('cancelled');
      await expect.poll(() => outcome).toBe('broken');
    });
  });

  it.each<[string, Parameters<Service['stream']>[1], string]>([
    ['text for octets', { body: Readable.from(['text']) }, 'usage'],
    [
      'arguments that do not fit beside a body',
      { body: new Uint8Array(0), args: 'x'.repeat(7000) },
      'rpc_too_large',
    ],
    [
      'a signal that has been given already',
      { body: new Uint8Array(1), signal: AbortSignal.abort() },
      'cancelled',
    ],
    ['a time-out of nothing', { body: new Uint8Array(1), timeoutMs: 0 }, 'usage'],
  ])('with %s is refused', async (_what, options, code) => {
    await withService(async (service) => {
      expect(await codeOf(service.stream('stuck', options))).toBe(code);
    });
  });
});

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += 50_000) {
    yield await Promise.resolve(bytes.subarray(start, start + 50_000));
  }
}
