// @chainsafe/libp2p-yamux joined in memory to one of our sessions: a yamux that somebody else wrote.
// It wants libp2p's MessageStream under it; `ForeignTransport` is as much of one as it uses.
// Must not look into the frames, so that what the two say to each other is theirs alone.
import { yamux } from '@chainsafe/libp2p-yamux';
import type { WireLimits } from '../wire/limits.ts';
import { YamuxSession } from '../wire/session.ts';
import type { YamuxRole } from '../wire/session.ts';
import type { YamuxStream } from '../wire/stream.ts';

type ForeignFactory = ReturnType<ReturnType<typeof yamux>>;
export type ForeignMuxer = ReturnType<ForeignFactory['createStreamMuxer']>;
export type ForeignStream = Awaited<ReturnType<ForeignMuxer['createStream']>>;
type MessageStream = Parameters<ForeignFactory['createStreamMuxer']>[0];

const silent = (): void => {};
const log = Object.assign(silent, {
  error: silent,
  trace: silent,
  enabled: false,
  newScope: (): unknown => log,
});

class ForeignTransport extends EventTarget {
  readonly log = log;
  readonly direction: 'inbound' | 'outbound';
  readonly #deliver: (bytes: Uint8Array) => void;

  constructor(direction: 'inbound' | 'outbound', deliver: (bytes: Uint8Array) => void) {
    super();
    this.direction = direction;
    this.#deliver = deliver;
  }

  send(data: Uint8Array | { subarray(): Uint8Array }): boolean {
    const bytes = Uint8Array.from(data.subarray());
    setImmediate(() => this.#deliver(bytes));
    return true;
  }

  abort(): void {
    this.dispatchEvent(new Event('close'));
  }

  receive(bytes: Uint8Array): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data: bytes }));
  }
}

export interface ForeignPair {
  readonly ours: YamuxSession;
  readonly theirs: ForeignMuxer;
  /** Codes of the go-away frames that ours received. */
  readonly goingAway: number[];
}

/** Our session in `role`, and theirs in the other one. */
export function joinForeignPeer(
  role: YamuxRole,
  onStream: (stream: YamuxStream) => void,
  limits: Partial<WireLimits> = {},
): ForeignPair {
  const goingAway: number[] = [];
  const transport = new ForeignTransport(role === 'dialler' ? 'inbound' : 'outbound', (bytes) =>
    ours.receive(bytes),
  );
  const output = {
    write: (...parts: readonly (Uint8Array | null)[]) => {
      const bytes = Uint8Array.from(Buffer.concat(parts.filter((part) => part !== null)));
      setImmediate(() => transport.receive(bytes));
      return true;
    },
  };
  const events = { stream: onStream, goingAway: (code: number) => goingAway.push(code), closed: silent };
  const ours = new YamuxSession(role, output, events, limits);
  const theirs = yamux({ enableKeepAlive: false })().createStreamMuxer(transport as unknown as MessageStream);
  return { ours, theirs, goingAway };
}
