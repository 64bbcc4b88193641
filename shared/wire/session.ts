// One yamux session over an ordered byte pipe: pure state, bytes in by `receive`, bytes out by `YamuxOutput`.
// A peer that breaks the protocol ends the session with a coded error; it can never make the session
// hold more than its limits. Source: hashicorp/yamux spec.md.
import { asGatehouseError, GatehouseError } from '../contracts/errors.ts';
import { encodeHeader, frameFlag, FrameParser, frameType, goAwayCode } from './frame.ts';
import type { FrameHeader, FrameSink, GoAwayCode } from './frame.ts';
import { checkWireLimits, initialWindow } from './limits.ts';
import type { WireLimits } from './limits.ts';
import { Pings } from './pings.ts';
import { YamuxStream } from './stream.ts';
import type { StreamHost } from './stream.ts';
import { Turns } from './turns.ts';

/** The dialler's streams have odd ids, the listener's even ones (spec "StreamID Field"). */
export type YamuxRole = 'dialler' | 'listener';

/** Where frames go. */
export interface YamuxOutput {
  /**
   * Takes one frame, whose payload is `payload` and then `more`. False means congested: it was taken, but no more data may follow until
   * `session.drained()`. Control frames still come.
   */
  write(header: Uint8Array, payload: Uint8Array | null, more: Uint8Array | null): boolean;
}

export interface YamuxEvents {
  /** The peer opened `stream`: attach a consumer before this returns, or reset it. */
  stream(stream: YamuxStream): void;
  /** The peer takes no more streams; those that are open go on. */
  goingAway(code: number): void;
  /** Over: called exactly once, after every stream has been closed. */
  closed(error: GatehouseError | null): void;
}

const maxStreamId = 0xffffffff;

export class YamuxSession {
  readonly #output: YamuxOutput;
  readonly #events: YamuxEvents;
  readonly #limits: WireLimits;
  readonly #parser: FrameParser;
  readonly #host: StreamHost;
  readonly #streams = new Map<number, YamuxStream>();
  readonly #pings: Pings;
  readonly #turns = new Turns();
  #nextId: number;
  #highestInbound = 0;
  #inbound = 0;
  /** Streams that the peer opened since the output became congested. */
  #congestedOpens = 0;
  #growth = 0;
  #writable = true;
  #closed = false;
  #localGoAway = false;
  #remoteGoAway = false;
  readonly #maySend = (): boolean => this.#writable && !this.#closed;

  constructor(role: YamuxRole, output: YamuxOutput, events: YamuxEvents, limits: Partial<WireLimits> = {}) {
    this.#output = output;
    this.#events = events;
    this.#limits = checkWireLimits(limits);
    this.#nextId = role === 'dialler' ? 1 : 2;
    this.#parser = new FrameParser(this.#makeSink());
    this.#host = this.#makeHost();
    this.#pings = new Pings((header) => {
      this.#write(header);
    }, this.#limits.maxPendingPongs);
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Takes bytes from the peer. A broken protocol closes the session; this never throws. */
  receive(chunk: Uint8Array): void {
    if (this.#closed) return;
    try {
      this.#parser.push(chunk);
    } catch (error) {
      this.#fail(asGatehouseError(error));
    }
  }

  /** Opens a stream. @throws GatehouseError `wire_closed` once either side is going away or over */
  open(): YamuxStream {
    if (this.#closed || this.#remoteGoAway || this.#localGoAway || this.#nextId > maxStreamId - 2) {
      throw new GatehouseError('wire_closed', 'The connection takes no new streams.');
    }
    const stream = new YamuxStream(this.#nextId, this.#host);
    this.#nextId += 2;
    this.#streams.set(stream.id, stream);
    this.#write(encodeHeader(frameType.windowUpdate, frameFlag.syn, stream.id, 0));
    return stream;
  }

  /** Sends a ping; `answered` is called when its answer arrives, or never. */
  ping(answered: () => void): void {
    if (this.#closed) return;
    this.#pings.ping(answered);
  }

  /** Tells the peer to open no more streams; those that are open go on. */
  goAway(code: GoAwayCode = goAwayCode.normal): void {
    if (this.#closed || this.#localGoAway) return;
    this.#localGoAway = true;
    this.#write(encodeHeader(frameType.goAway, frameFlag.none, 0, code));
  }

  /** The output has room again after a `write` that returned false. */
  drained(): void {
    if (this.#closed) return;
    this.#writable = true;
    this.#congestedOpens = 0;
    this.#pings.flush();
    this.#turns.run(this.#maySend);
  }

  /** Ends every stream with `error`, then the session. The owner closes the transport. */
  close(error: GatehouseError | null = null): void {
    if (this.#closed) return;
    this.#closed = true;
    const reason = error ?? new GatehouseError('wire_closed', 'The connection was closed.');
    for (const stream of [...this.#streams.values()]) stream.close(reason);
    this.#pings.clear();
    this.#turns.clear();
    this.#events.closed(error);
  }

  #fail(error: GatehouseError): void {
    this.goAway(error.code === 'internal' ? goAwayCode.internalError : goAwayCode.protocolError);
    this.close(error);
  }

  #makeSink(): FrameSink {
    let stream: YamuxStream | undefined;
    let flags = 0;
    return {
      header: (header) => {
        stream = this.#accept(header);
        flags = header.flags;
      },
      payload: (bytes) => stream?.receive(bytes),
      payloadEnd: () => {
        if ((flags & frameFlag.fin) !== 0) stream?.receiveFin();
        stream = undefined;
      },
    };
  }

  #accept(header: FrameHeader): YamuxStream | undefined {
    if (this.#closed) throw new GatehouseError('wire_closed', 'The connection is closed.');
    if (header.type === frameType.data || header.type === frameType.windowUpdate) {
      return this.#acceptStreamFrame(header);
    }
    if (header.streamId !== 0) {
      throw new GatehouseError('wire_unknown_stream', 'The peer sent a session frame on a stream.');
    }
    if (header.type === frameType.ping) this.#pings.accept(header, this.#writable);
    else {
      this.#remoteGoAway = true;
      this.#events.goingAway(header.length);
    }
    return undefined;
  }

  #acceptStreamFrame(header: FrameHeader): YamuxStream | undefined {
    const { type, flags, streamId, length } = header;
    const stream = (flags & frameFlag.syn) !== 0 ? this.#acceptSyn(streamId) : this.#find(streamId);
    if (stream === undefined) return undefined;
    if (type === frameType.data) stream.expectData(length);
    else stream.grow(length);
    if ((flags & frameFlag.rst) !== 0) {
      stream.close(new GatehouseError('stream_reset', 'The other end reset the stream.'));
    } else if ((flags & frameFlag.fin) !== 0 && type === frameType.windowUpdate) stream.receiveFin();
    return stream;
  }

  #acceptSyn(id: number): YamuxStream | undefined {
    const ours = id % 2 === this.#nextId % 2;
    if (id === 0 || ours || this.#streams.has(id)) {
      throw new GatehouseError('wire_unknown_stream', `The peer opened a stream with the id ${id}.`);
    }
    if (!this.#writable && ++this.#congestedOpens > this.#limits.maxCongestedOpens) {
      throw new GatehouseError('wire_flood', 'The peer opens streams and does not read the answers.');
    }
    this.#highestInbound = Math.max(this.#highestInbound, id);
    const stream = new YamuxStream(id, this.#host);
    if (this.#localGoAway || this.#inbound >= this.#limits.maxInboundStreams) {
      this.#host.sendReset(stream);
      return undefined;
    }
    this.#inbound += 1;
    this.#streams.set(id, stream);
    this.#write(encodeHeader(frameType.windowUpdate, frameFlag.ack, id, 0));
    this.#events.stream(stream);
    return stream;
  }

  /** The stream of `id`; undefined where it is over, whose late frames are dropped. */
  #find(id: number): YamuxStream | undefined {
    const stream = this.#streams.get(id);
    if (stream !== undefined) return stream;
    const ours = id % 2 === this.#nextId % 2;
    if (id === 0 || (ours ? id >= this.#nextId : id > this.#highestInbound)) {
      throw new GatehouseError('wire_unknown_stream', `The peer named a stream that never was: ${id}.`);
    }
    return undefined;
  }

  #makeHost(): StreamHost {
    const maySend = this.#maySend;
    return {
      get writable() {
        return maySend();
      },
      maxFramePayload: this.#limits.maxFramePayload,
      sendData: (stream, chunk, more) => {
        const length = chunk.length + (more?.length ?? 0);
        this.#write(encodeHeader(frameType.data, frameFlag.none, stream.id, length), chunk, more);
      },
      sendFin: (stream) => {
        this.#write(encodeHeader(frameType.windowUpdate, frameFlag.fin, stream.id, 0));
      },
      sendReset: (stream) => {
        this.#write(encodeHeader(frameType.windowUpdate, frameFlag.rst, stream.id, 0));
      },
      sendWindow: (stream, bytes) => {
        this.#write(encodeHeader(frameType.windowUpdate, frameFlag.none, stream.id, bytes));
      },
      grantGrowth: (stream, wanted) => this.#grantGrowth(stream, wanted),
      wantsTurn: (stream) => {
        this.#turns.add(stream);
        this.#turns.run(maySend);
      },
      forget: (stream) => {
        this.#forget(stream);
      },
    };
  }

  #grantGrowth(stream: YamuxStream, wanted: number): number {
    const forStream = this.#limits.maxStreamWindow - initialWindow - stream.windowGrowth;
    const growth = Math.max(0, Math.min(wanted, forStream, this.#limits.maxWindowGrowth - this.#growth));
    this.#growth += growth;
    return growth;
  }

  #forget(stream: YamuxStream): void {
    if (!this.#streams.delete(stream.id)) return;
    this.#turns.delete(stream);
    this.#growth -= stream.windowGrowth;
    if (stream.id % 2 !== this.#nextId % 2) this.#inbound -= 1;
  }

  #write(header: Uint8Array, payload: Uint8Array | null = null, more: Uint8Array | null = null): void {
    if (this.#closed) return;
    if (!this.#output.write(header, payload, more)) this.#writable = false;
  }
}
