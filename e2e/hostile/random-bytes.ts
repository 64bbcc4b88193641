// Random hostile bytes, drawn from a seed so that a run can be repeated: honest bytes of each layer with a few places
// changed, cut, doubled or exchanged, and now and then nothing but noise.
// Must never wait for an answer: what counts is that everybody else goes on getting theirs.
import { setTimeout as delay } from 'node:timers/promises';
import type { Duplex } from 'node:stream';
import { h2Field, h2Frame, h2Post, h2Preface, h2Type } from '../../shared/testing/http2-frames.ts';
import { seededRandom } from '../../shared/testing/memory-wire.ts';
import { frame } from '../../shared/testing/raw-peer.ts';
import { dial } from './target.ts';
import type { Target } from './target.ts';

export interface RandomRun {
  readonly seed: number;
  readonly milliseconds: number;
  /** Told of each round that everybody else has got through. */
  readonly onRound?: (round: number, connections: number) => void;
}

/** Connections of one round, after which everybody else must be served. */
const perRound = 12;
/** How long one connection may stay, in milliseconds. */
const stayMs = 60;

/** Whole numbers from a seed. */
class Dice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }

  oneOf<T>(all: readonly [T, ...T[]]): T {
    return all[this.below(all.length)] ?? all[0];
  }
}

/** `honest` as somebody might send it who wishes no good. */
function spoil(honest: Buffer, dice: Dice): Buffer {
  let bytes = Buffer.from(honest);
  for (let times = 1 + dice.below(4); times > 0 && bytes.length > 0; times -= 1) {
    const at = dice.below(bytes.length);
    const end = at + dice.below(bytes.length - at);
    const ways: readonly [() => Buffer, ...(() => Buffer)[]] = [
      () => bytes.fill(dice.below(256), at, at + 1),
      () => bytes.fill(dice.oneOf([0, 0x7f, 0xff]), at, Math.min(end, at + 8)),
      () => bytes.subarray(0, at),
      () => Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]),
      () => Buffer.concat([bytes.subarray(0, at), dice.bytes(1 + dice.below(64)), bytes.subarray(at)]),
      () => Buffer.concat([bytes.subarray(at), bytes.subarray(0, at)]),
      () => dice.bytes(1 + dice.below(2048)),
    ];
    bytes = Buffer.from(dice.oneOf(ways)());
  }
  return bytes;
}

function honestYamux({ serviceId }: Target): Buffer {
  const header = Buffer.from(JSON.stringify({ v: 1, kind: 'e2ee', serviceId }));
  const prefixed = Buffer.concat([Buffer.from([header.length >> 8, header.length & 255]), header]);
  return Buffer.concat([frame(1, 1, 1), frame(0, 0, 1, prefixed), frame(2, 1, 0, 7), frame(1, 0, 1, 4096)]);
}

const honestHttp2 = Buffer.concat([
  h2Preface,
  h2Frame(h2Type.headers, 4, 1, h2Post('/rpc/echo', [h2Field('content-type', 'application/json')])),
  h2Frame(h2Type.data, 1, 1, Buffer.from('{"a":[1,2,3]}')),
  h2Frame(h2Type.ping, 0, 0, Buffer.alloc(8)),
  h2Frame(h2Type.headers, 5, 3, h2Post('/session/verify')),
]);
const honestHttp1 = Buffer.from(
  'POST /rpc/echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\n{"a\r\n4\r\n":1}\r\n0\r\n\r\n' +
    'POST /session/verify HTTP/1.1\r\nhost: x\r\ncontent-length: 30\r\n\r\np=tls-exporter,,n=abc,r=abcdefg',
);
const honestHello = Buffer.concat([Buffer.from('1603010100010000fc0303', 'hex'), Buffer.alloc(250, 7)]);

type Throw = (target: Target, dice: Dice) => Promise<void>;

const intoRelay: Throw = async (target, dice) => {
  const { ws } = await dial(target);
  const bytes = spoil(honestYamux(target), dice);
  if (dice.below(4) > 0) ws.send(bytes);
  else (ws as unknown as { _socket: Duplex })._socket.write(bytes);
  await delay(stayMs);
  ws.terminate();
};

/** Opens a stream, or TLS in it, and throws there. */
function intoService(alpn: 'h2' | 'http/1.1' | null, kind: 'e2ee' | 'plain', honest: Buffer): Throw {
  return (target, dice) =>
    target.raw(async (client) => {
      const { serviceId } = target;
      const connection =
        alpn === null
          ? await client.open(kind, serviceId)
          : await client.openTls(serviceId, { ALPNProtocols: [alpn] });
      connection.resume();
      connection.write(spoil(honest, dice));
      await delay(stayMs);
    });
}

const throws: readonly [Throw, ...Throw[]] = [
  intoRelay,
  intoService(null, 'e2ee', honestHello),
  intoService(null, 'plain', honestHttp1),
  intoService('h2', 'e2ee', honestHttp2),
  intoService('http/1.1', 'e2ee', honestHttp1),
];

/** Throws until the time is up. @throws Error as `target.expectHealthy` does, naming the round */
export async function throwRandomBytes(target: Target, run: RandomRun): Promise<{ connections: number }> {
  const end = performance.now() + run.milliseconds;
  let connections = 0;
  for (let round = 1; performance.now() < end; round += 1) {
    // Dice for each connection, so that what it sends does not depend on which one is faster.
    const batch = Array.from(
      { length: perRound },
      (_none, index) => new Dice(run.seed * 1_000_003 + connections + index),
    );
    // A connection that the relay or the service refuses, having had enough, is as good as one that it ends.
    await Promise.allSettled(batch.map((dice) => dice.oneOf(throws)(target, dice)));
    connections += batch.length;
    await target.expectHealthy().catch((cause: unknown) => {
      throw new Error(`Seed ${run.seed}, round ${round}: others were not served.`, { cause });
    });
    run.onRound?.(round, connections);
  }
  return { connections };
}
