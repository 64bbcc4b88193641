// The state machine against a model: whatever both sides do in whatever order, and however the wire cuts and
// delays it, each stream delivers exactly its bytes in order, within its windows, and all streams end.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryWire } from '../testing/memory-wire.ts';
import type { MemoryEnd } from '../testing/memory-wire.ts';
import type { GatehouseError } from '../contracts/errors.ts';
import { initialWindow } from './limits.ts';
import type { StreamConsumer, YamuxStream } from './stream.ts';

const limits = { maxStreamWindow: 512 * 1024, maxWindowGrowth: 384 * 1024, maxFramePayload: 20_000 };

/** The byte that stands at `offset` of what one side of a stream writes. */
const patternAt = (seed: number, offset: number): number => (offset * 7 + (offset >>> 8) * 13 + seed) & 0xff;

/** One side of one stream: what it wrote, what it got, and what it still holds. */
class Side implements StreamConsumer {
  readonly stream: YamuxStream;
  readonly seed: number;
  partner: Side | null = null;
  written = 0;
  sentBytes = 0;
  received = 0;
  unconsumed = 0;
  hasEnded = false;
  gotEnd = false;
  closes = 0;
  isReset = false;

  constructor(stream: YamuxStream, seed: number) {
    this.stream = stream;
    this.seed = seed;
    stream.attach(this);
  }

  data(chunk: Uint8Array): void {
    if (this.gotEnd || this.closes > 0) throw new Error('data after the end');
    for (const byte of chunk) {
      if (byte !== patternAt(this.partner!.seed, this.received))
        throw new Error(`wrong byte at ${this.received}`);
      this.received += 1;
    }
    this.unconsumed += chunk.length;
  }

  end(): void {
    if (this.received !== this.partner!.written) throw new Error('an end before the last byte');
    this.gotEnd = true;
  }

  sent(bytes: number): void {
    this.sentBytes += bytes;
  }

  closed(error: GatehouseError | null): void {
    this.closes += 1;
    if (error !== null) this.isReset = true;
  }

  write(length: number): void {
    if (this.hasEnded || this.closes > 0) return;
    const from = this.written;
    this.written += length;
    this.stream.write(Uint8Array.from({ length }, (_, index) => patternAt(this.seed, from + index)));
  }

  endWriting(): void {
    if (this.closes > 0) return;
    this.hasEnded = true;
    this.stream.end();
  }

  consume(length: number): void {
    const bytes = Math.min(length, this.unconsumed);
    this.unconsumed -= bytes;
    this.stream.consumed(bytes);
  }
}

interface Action {
  readonly kind: 'open' | 'write' | 'end' | 'reset' | 'consume' | 'deliver' | 'ping';
  readonly ofDialler: boolean;
  readonly pick: number;
  readonly size: number;
}

class Model {
  readonly wire: MemoryWire;
  /** Both sides of every stream, in the order of opening. */
  readonly sides: Side[] = [];
  #answered = 0;
  #pinged = 0;

  constructor(seed: number, maxPiece: number, congestedAt: number) {
    const onStream = (stream: YamuxStream, end: MemoryEnd): void => {
      const opener = this.sides.find((side) => side.partner === null && side.stream.id === stream.id)!;
      const accepter = new Side(stream, stream.id + (end === this.wire.dialler ? 101 : 57));
      accepter.partner = opener;
      opener.partner = accepter;
      this.sides.push(accepter);
    };
    this.wire = new MemoryWire({ seed, maxPiece, congestedAt, limits, onStream });
  }

  run(action: Action): void {
    const { session } = action.ofDialler ? this.wire.dialler : this.wire.listener;
    const side = this.sides[action.pick % Math.max(1, this.sides.length)];
    const acts: Record<Action['kind'], () => void> = {
      open: () => {
        if (session.streamCount >= 8) return;
        const stream = session.open();
        this.sides.push(new Side(stream, stream.id));
      },
      write: () => side?.write(action.size),
      consume: () => side?.consume(action.size * 2),
      end: () => side?.endWriting(),
      reset: () => side?.stream.reset(),
      deliver: () => {
        for (let count = action.size % 8; count >= 0; count -= 1) this.wire.deliver();
      },
      ping: () => {
        this.#pinged += 1;
        session.ping(() => (this.#answered += 1));
      },
    };
    acts[action.kind]();
    for (const end of [this.wire.dialler, this.wire.listener]) this.#checkEnd(end);
    for (const each of this.sides) checkSide(each);
  }

  #checkEnd(end: MemoryEnd): void {
    if (end.session.closed) throw new Error(`the session ended: ${String(end.closes[0]?.message)}`);
    // A frame may still be taken when congestion begins; control frames are few.
    if (end.inFlight > 600 * 1024) throw new Error(`${end.inFlight} bytes on the way`);
    const mine = this.sides.filter((side) => side.closes === 0 && this.#isOf(side, end));
    const growth = mine.reduce((sum, side) => sum + side.stream.windowGrowth, 0);
    if (growth > limits.maxWindowGrowth) throw new Error('the windows grew too much');
  }

  /** Reads everything, ends everything, and looks at what is left. */
  finish(): void {
    for (const side of this.sides) side.endWriting();
    do {
      this.wire.settle();
      for (const side of this.sides) side.consume(Infinity);
      for (const side of this.sides) side.endWriting();
    } while (this.wire.dialler.inFlight + this.wire.listener.inFlight > 0);
    expect([this.wire.dialler.session.streamCount, this.wire.listener.session.streamCount]).toEqual([0, 0]);
    expect(this.#answered).toBe(this.#pinged);
    for (const side of this.sides) {
      expect(side.closes).toBe(1);
      if (side.isReset || side.partner!.isReset) continue;
      expect([side.received, side.gotEnd]).toEqual([side.partner!.written, true]);
    }
  }

  #isOf(side: Side, end: MemoryEnd): boolean {
    const openedByDialler = side.stream.id % 2 === 1;
    const opener =
      this.sides.indexOf(side) < this.sides.indexOf(side.partner ?? side) || side.partner === null;
    return (end === this.wire.dialler) === (openedByDialler === opener);
  }
}

function checkSide(side: Side): void {
  if (side.closes > 0) return;
  if (side.stream.queuedBytes !== side.written - side.sentBytes) throw new Error('the queue miscounts');
  const { partner } = side;
  if (partner === null || partner.closes > 0) return;
  const outstanding = side.sentBytes - partner.received + partner.unconsumed;
  if (outstanding > initialWindow + partner.stream.windowGrowth) throw new Error('a window was exceeded');
}

const action = fc.record<Action>({
  kind: fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom<Action['kind']>('open', 'end', 'ping') },
    { weight: 5, arbitrary: fc.constantFrom<Action['kind']>('write', 'consume', 'deliver') },
    { weight: 1, arbitrary: fc.constant<Action['kind']>('open') },
    {
      weight: 1,
      arbitrary: fc.integer({ min: 0, max: 3 }).map((dice) => (dice === 0 ? 'reset' : 'deliver')),
    },
  ),
  ofDialler: fc.boolean(),
  pick: fc.nat(15),
  size: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 300, max: 100_000 })),
});

describe('two sessions over any wire', () => {
  it.each([
    ['in small pieces', 700, 30_000],
    ['in large pieces, often congested', 200_000, 5_000],
    ['in large pieces, rarely congested', 200_000, 512 * 1024],
  ])('deliver exactly what was written and end every stream: %s', (_name, maxPiece, congestedAt) => {
    fc.assert(
      fc.property(fc.integer(), fc.array(action, { minLength: 20, maxLength: 150 }), (seed, actions) => {
        const model = new Model(seed, maxPiece, congestedAt);
        for (const each of actions) model.run(each);
        model.finish();
      }),
      { numRuns: 40 },
    );
  });

  it('behave the same for the same seed', () => {
    const run = (): number[] => {
      const sizes: number[] = [];
      const wire = new MemoryWire({ seed: 7, tamper: (piece) => (sizes.push(piece.length), piece) });
      wire.dialler.session.open().write(new Uint8Array(100_000));
      wire.settle();
      return sizes;
    };
    expect(run()).toEqual(run());
  });
});
