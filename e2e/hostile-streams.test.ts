// A relay that changes the bytes of an encrypted session on their way: flips, cuts, doubles and reorders them. What
// comes out is an error with a code; never another answer, never a short one that is taken for whole.
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { duplicateFrom, flipBit, passOn, reorderFrom, stopAfter } from '../shared/testing/hostile-streams.ts';
import type { Tamper, Tampering } from '../shared/testing/hostile-streams.ts';
import { HostileWorld } from './hostile/hostile-world.ts';

let world: HostileWorld;

beforeAll(async () => {
  world = await HostileWorld.start();
});

afterAll(async () => {
  await world.expectService();
  await world.close();
});

const octets = randomBytes(512 * 1024);
/** Where the handshake is over in either direction, and an echo of `octets` well under way. */
const underWay = 100_000;

/** Silence follows where the length of a record was changed; in milliseconds. */
const timeouts = { connectMs: 2000, handshakeMs: 700, callMs: 700 };

/** The code of what a session, an echo of `octets` and all, ends with; `intact` where it comes back as it was. */
async function echo(h2: boolean): Promise<string> {
  try {
    const service = await world.open(undefined, { useH2WhenAvailable: h2, timeouts });
    const { body } = await service.stream('echo', { body: Readable.from([octets]) });
    const answer = await buffer(body);
    return answer.equals(octets) ? 'intact' : `an answer of ${answer.length} bytes that is another one`;
  } catch (error) {
    return typeof error === 'object' && error !== null && 'code' in error
      ? String(error.code)
      : String(error);
  }
}

const isTold = /^(e2ee_handshake_failed|session_ended|truncated)$/;
/** A record that claims to be longer than it is leaves its reader waiting. */
const isToldOrWaits = /^(e2ee_handshake_failed|session_ended|truncated|timeout)$/;

const attacks: [string, () => Tamper, RegExp?][] = [
  ['a bit flipped in the first record', () => flipBit(60)],
  ['a bit flipped in the handshake', () => flipBit(140), isToldOrWaits],
  ['a bit flipped in the header of a record', () => flipBit(3), isToldOrWaits],
  ['a bit flipped under way', () => flipBit(underWay), isToldOrWaits],
  ['a stop at once, by a FIN', () => stopAfter(0, 'end')],
  ['a stop in the handshake, by a FIN', () => stopAfter(300, 'end')],
  ['a stop in the handshake, by a reset', () => stopAfter(300, 'cut')],
  ['a stop under way, by a FIN', () => stopAfter(underWay, 'end')],
  ['a stop under way, by a reset', () => stopAfter(underWay, 'cut')],
  ['a stop near the end, by a FIN', () => stopAfter(octets.length, 'end')],
  ['a chunk doubled', () => duplicateFrom(underWay), isToldOrWaits],
  ['the handshake doubled', () => duplicateFrom(0)],
  ['chunks exchanged', () => reorderFrom(underWay), isToldOrWaits],
  ['the handshake reordered', () => reorderFrom(0), isToldOrWaits],
];
const ways: [string, boolean, (tamper: Tamper) => Tampering][] = [
  ['HTTP/2, towards the service', true, (toService) => ({ toService })],
  ['HTTP/2, towards the client', true, (toClient) => ({ toClient })],
  ['HTTP/1.1, towards the service', false, (toService) => ({ toService })],
  ['HTTP/1.1, towards the client', false, (toClient) => ({ toClient })],
];

describe.each(ways)('over %s,', (_way, h2, direct) => {
  it('an echo that nobody touches comes back as it was', async () => {
    await world.play({ onStream: passOn({ tampering: () => direct((chunk) => [chunk]) }) });
    expect(await echo(h2)).toBe('intact');
  });

  it.each(attacks)('%s ends in an error, and in no answer', async (_attack, tamper, codes = isTold) => {
    await world.play({ onStream: passOn({ tampering: () => direct(tamper()) }) });
    expect(await echo(h2)).toMatch(codes);
  });
});

describe('an answer that ends early', () => {
  it.each([
    ['HTTP/2', true],
    ['HTTP/1.1', false],
  ])('is never taken for whole, wherever it ends, over %s', async (_way, h2) => {
    await world.play({});
    expect(await echo(h2)).toBe('intact');
    const whole = Math.max(
      ...world.relay.recordings.map(({ fromService }) => Buffer.concat(fromService).length),
    );
    for (const missing of [1, 2, 17, 24, 40, 100, 1000, 20_000]) {
      const tampering = () => ({ toClient: stopAfter(whole - missing, 'end') });
      await world.play({ onStream: passOn({ tampering }) });
      // What came last may be no part of the answer: a window update, or TLS taking its leave.
      const allowed = missing < 20_000 ? /^(intact|truncated|session_ended)$/ : /^(truncated|session_ended)$/;
      expect([missing, await echo(h2)]).toEqual([missing, expect.stringMatching(allowed)]);
    }
  });
});
