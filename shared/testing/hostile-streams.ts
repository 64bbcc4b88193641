// What a hostile relay does with one stream between a client and a service: passes it on changed, ends TLS itself in
// the middle, or plays a stream of the past again. Each is a value for HostileScript's `onStream`.
// Must never make an attack succeed by weakening an end: both ends are the product's own.
import type { Duplex } from 'node:stream';
import type { Alpn } from '../e2ee/tls-options.ts';
import { serverTlsOptions } from '../e2ee/tls-options.ts';
import { channelBinding, startClientTls, startServerTls } from '../e2ee/tunnel.ts';
import type { StreamHeader } from '../net/stream-header.ts';
import type { HostileRelay, HostileStream, Recording } from './hostile-relay.ts';
import type { TestCertificate } from './test-certificate.ts';

/**
 * What goes on in place of `chunk`, which begins `offset` bytes after the stream's start in its direction. `end` and
 * `cut` end the direction, with a FIN or a reset; nothing goes on after them.
 */
export type Tamper = (chunk: Buffer, offset: number) => readonly (Buffer | 'end' | 'cut')[];

export interface Tampering {
  readonly toService?: Tamper;
  readonly toClient?: Tamper;
}

export interface PassOnOptions {
  /** Made anew for each stream. */
  readonly tampering?: () => Tampering;
  /** Streams of other kinds are passed on as they are. */
  readonly kind?: StreamHeader['kind'];
  /** What the service is told in place of the true header. */
  readonly header?: Partial<StreamHeader>;
}

/** Passes a stream on, changed where it is said. */
export function passOn(options: PassOnOptions = {}): (stream: HostileStream) => void {
  return (stream) => {
    const { relay, header } = stream;
    const isMeant = options.kind === undefined || options.kind === header.kind;
    const tampering = isMeant ? (options.tampering?.() ?? {}) : {};
    const recording = relay.record(header);
    relay.openAtService({ ...header, ...options.header }).then(
      (service) => joinRecorded(stream.accept(), service, recording, tampering),
      (error: unknown) => stream.refuse(error),
    );
  };
}

function joinRecorded(
  client: Duplex,
  service: Duplex,
  { fromClient, fromService }: Recording,
  tampering: Tampering,
) {
  join(client, service, fromClient, tampering.toService);
  join(service, client, fromService, tampering.toClient);
}

/** Carries one direction; `keep` gets what came, before it is changed. */
function join(from: Duplex, to: Duplex, keep: Buffer[], tamper: Tamper = (chunk) => [chunk]): void {
  let offset = 0;
  let isOver = false;
  from.on('data', (chunk: Buffer) => {
    keep.push(Buffer.from(chunk));
    for (const piece of tamper(chunk, offset)) {
      if (isOver) break;
      isOver = typeof piece === 'string';
      if (piece === 'cut') to.destroy();
      else if (piece === 'end') to.end();
      else to.write(piece);
    }
    offset += chunk.length;
  });
  from.once('end', () => to.end());
  from.once('error', () => to.destroy());
  from.once('close', () => {
    if (!from.readableEnded) to.destroy();
  });
  // A reset may come in the same message as the answer to the stream: it is over before anybody listens.
  if (from.destroyed) to.destroy();
}

/** Flips the lowest bit of the byte at `position`. */
export function flipBit(position: number): Tamper {
  return (chunk, offset) => {
    const at = position - offset;
    if (at < 0 || at >= chunk.length) return [chunk];
    const changed = Buffer.from(chunk);
    changed[at] = (changed[at] ?? 0) ^ 1;
    return [changed];
  };
}

/** Lets `length` bytes through and ends there: `end` with a FIN, `cut` with a reset. */
export function stopAfter(length: number, how: 'end' | 'cut'): Tamper {
  return (chunk, offset) => {
    if (offset + chunk.length < length) return [chunk];
    return [chunk.subarray(0, Math.max(0, length - offset)), how];
  };
}

/** Sends each chunk from the byte at `position` on twice. */
export function duplicateFrom(position: number): Tamper {
  return (chunk, offset) => (offset >= position ? [chunk, chunk] : [chunk]);
}

/** Holds the first chunk from the byte at `position` on back until the next has passed. */
export function reorderFrom(position: number): Tamper {
  let held: Buffer | null = null;
  let isDone = false;
  return (chunk, offset) => {
    if (isDone || offset < position) return [chunk];
    if (held === null) {
      held = Buffer.from(chunk);
      // A chunk alone is split, so that there is something to change places with.
      if (chunk.length < 64) return [];
      isDone = true;
      const half = chunk.length >> 1;
      return [chunk.subarray(half), chunk.subarray(0, half)];
    }
    isDone = true;
    return [chunk, held];
  };
}

/** The channel bindings of the two TLS connections that a man in the middle holds. */
export interface Bindings {
  readonly client: Buffer;
  readonly service: Buffer;
}

export interface InterceptOptions {
  readonly certificate: TestCertificate;
  readonly tampering?: (bindings: Bindings) => Tampering;
}

/** Ends the client's TLS with a certificate of its own, and opens TLS to the service: a man in the middle. */
export function intercept(options: InterceptOptions): (stream: HostileStream) => void {
  return (stream) => {
    if (stream.header.kind === 'e2ee') void interceptTls(stream, options).catch(() => undefined);
    else passOn()(stream);
  };
}

async function interceptTls(
  stream: HostileStream,
  { certificate, tampering }: InterceptOptions,
): Promise<void> {
  const { relay, header } = stream;
  const recording = relay.record(header);
  const outer = stream.accept();
  const client = await startServerTls(outer, serverTlsOptions(certificate));
  const alpn: Alpn = client.alpnProtocol === 'h2' ? 'h2' : 'http/1.1';
  const { socket: service } = await startClientTls(await relay.openAtService(header), { alpn: [alpn] });
  const bindings = { client: channelBinding(client), service: channelBinding(service) };
  const { toService, toClient } = tampering?.(bindings) ?? {};
  join(client, service, recording.insideFromClient, toService);
  join(service, client, recording.insideFromService, toClient);
}

/** Plays the client's side of `recording` to the service again; resolves with what it answered, once it has ended. */
export async function replay(relay: HostileRelay, { header, fromClient }: Recording): Promise<Buffer> {
  const service = await relay.openAtService(header);
  const answer: Buffer[] = [];
  service.on('data', (chunk: Buffer) => answer.push(Buffer.from(chunk)));
  const closed = new Promise<void>((resolve) => service.once('close', () => resolve()));
  for (const chunk of fromClient) service.write(chunk);
  await closed;
  return Buffer.concat(answer);
}

/** Answers every request on plain streams with `json`, whatever was asked; other streams are passed on. */
export function answerPlain(json: unknown): (stream: HostileStream) => void {
  return (stream) => {
    if (stream.header.kind !== 'plain') {
      passOn()(stream);
      return;
    }
    const { fromClient } = stream.relay.record(stream.header);
    const body = JSON.stringify(json);
    const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
    const client = stream.accept();
    client.on('data', (chunk: Buffer) => {
      fromClient.push(Buffer.from(chunk));
      client.write(head + body);
    });
  };
}

/** The request lines on plain streams: what a relay has read of its clients. */
export function plainRequests(relay: HostileRelay): string[] {
  const streams = relay.recordings.filter(({ header }) => header.kind === 'plain');
  return streams.map(({ fromClient }) => Buffer.concat(fromClient).toString('latin1').split('\r\n')[0] ?? '');
}
