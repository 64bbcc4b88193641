// Small peers for tests of a relay: a service that proves its key, a client, and the streams between them, all made
// from shared/net. They do as they are told, so that a test can lie, stall or break off at any point.
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GatehouseError } from '../contracts/errors.ts';
import { formatServiceId } from '../contracts/service-id.ts';
import type { WebSocketChannel } from '../net/channel.ts';
import { dialWebSocket } from '../net/dial.ts';
import { Link } from '../net/link.ts';
import { enrolmentProof, nextOpening, relayPaths, sendOpening } from '../net/opening.ts';
import { encodePrefixed, readPrefixed } from '../net/prefixed.ts';
import { startRelay } from '../relay/relay.ts';
import type { Relay, RelayOptions } from '../relay/relay.ts';
import { RelayState } from '../relay/state/relay-state.ts';
import type { YamuxStream } from '../wire/stream.ts';

export interface TestRelay {
  readonly relay: Relay;
  readonly url: URL;
  readonly state: RelayState;
  readonly folder: string;
  stop(): Promise<void>;
}

/** A relay on a free loopback port and a folder of its own. */
export async function startTestRelay(options: Partial<RelayOptions> = {}): Promise<TestRelay> {
  const folder = options.dataFolder ?? (await mkdtemp(join(tmpdir(), 'gatehouse-relay-')));
  const listen = { host: '127.0.0.1', port: 0 };
  const relay = await startRelay({
    dataFolder: folder,
    listen,
    domain: 'TEST',
    ...options,
    limits: { drainMs: 0, ...options.limits },
  });
  const stop = async (): Promise<void> => {
    await relay.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { relay, url: new URL(relay.url), state: await RelayState.open(folder), folder, stop };
}

export interface TestIdentity {
  readonly serviceId: string;
  /** base64url */
  readonly publicKey: string;
  readonly privateKey: KeyObject;
}

export function makeTestIdentity(): TestIdentity {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  const serviceId = formatServiceId(createHash('sha256').update(raw).digest());
  return { serviceId, publicKey: raw.toString('base64url'), privateKey };
}

export interface Enrol {
  readonly publicKey: string;
  readonly url: string;
  readonly signature: string;
  readonly enrolmentToken?: string;
}

/** The answer that `identity` gives to a relay's nonce. */
export function proveKey(identity: TestIdentity, url: string, nonce: string, enrolmentToken?: string): Enrol {
  const proof = enrolmentProof(url, Buffer.from(nonce, 'base64url'), identity.serviceId);
  const signature = sign(null, proof, identity.privateKey).toString('base64url');
  const { publicKey } = identity;
  return { publicKey, url, signature, ...(enrolmentToken === undefined ? {} : { enrolmentToken }) };
}

export interface TestPeer {
  readonly link: Link;
  readonly channel: WebSocketChannel;
  /** What the connection ended with. */
  readonly closed: Promise<GatehouseError>;
  readonly domain: string;
  /** The client's name, or the service's id, as the relay gave it. */
  readonly name: string;
}

export interface TestServiceOptions {
  readonly identity?: TestIdentity;
  readonly token?: string;
  readonly ca?: string;
  readonly onStream?: (stream: YamuxStream) => void;
}

/** Dials as a service, enrols and serves; by default it echoes. Rejects with what the relay refused with. */
export async function connectService(url: URL, options: TestServiceOptions = {}): Promise<TestPeer> {
  const channel = await dialWebSocket(
    url,
    relayPaths.service,
    options.ca === undefined ? {} : { ca: options.ca },
  );
  const { nonce } = await nextOpening(channel, 'challenge', 5000);
  const answer = proveKey(options.identity ?? makeTestIdentity(), url.origin, nonce, options.token);
  sendOpening(channel, { type: 'enrol', v: 1, ...answer });
  const { domain, serviceId = '' } = await nextOpening(channel, 'welcome', 5000);
  return { ...serve(channel, options.onStream ?? echo), channel, domain, name: serviceId };
}

/** Dials as a client. Rejects with what the relay refused with. */
export async function connectClient(url: URL, token?: string, ca?: string): Promise<TestPeer> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const channel = await dialWebSocket(url, relayPaths.client, {
    headers,
    ...(ca === undefined ? {} : { ca }),
  });
  const { domain, clientId = '' } = await nextOpening(channel, 'welcome', 5000);
  const refuse = (stream: YamuxStream): void => {
    stream.reset();
  };
  return { ...serve(channel, refuse), channel, domain, name: clientId };
}

function serve(
  channel: WebSocketChannel,
  onStream: (stream: YamuxStream) => void,
): { link: Link; closed: Promise<GatehouseError> } {
  const { promise: closed, resolve } = Promise.withResolvers<GatehouseError>();
  return { link: new Link(channel, { role: 'dialler', onStream, onClosed: resolve }), closed };
}

/** Sends back everything after the header, and the header itself first as JSON. */
function echo(stream: YamuxStream): void {
  readPrefixed(stream, 5000, {
    failed: () => undefined,
    arrived: ({ json, rest }) => {
      stream.attach({
        data: (chunk) => {
          stream.write(chunk);
        },
        end: () => {
          stream.end();
        },
        sent: (bytes) => {
          stream.consumed(bytes);
        },
        closed: () => undefined,
      });
      stream.write(encodePrefixed(json));
      if (rest.length > 0) stream.write(rest);
    },
  });
}

/** A stream as a test looks at it: what arrived, whether it was half-closed, and how it ended. */
export class WatchedStream {
  readonly stream: YamuxStream;
  readonly closed: Promise<GatehouseError | null>;
  bytes: Buffer = Buffer.alloc(0);
  received = 0;
  ended = false;
  /** Whether what arrives is credited, so that more may come. */
  reading = true;
  #wake: () => void = () => undefined;

  constructor(stream: YamuxStream, rest: Uint8Array = new Uint8Array(0)) {
    this.stream = stream;
    const { promise, resolve } = Promise.withResolvers<GatehouseError | null>();
    this.closed = promise;
    stream.attach({
      data: (chunk) => {
        this.#take(chunk);
      },
      end: () => {
        this.ended = true;
        this.#wake();
      },
      sent: () => undefined,
      closed: (error) => {
        resolve(error);
        this.#wake();
      },
    });
    if (rest.length > 0) this.#take(rest);
  }

  /** The first JSON that arrived, and how many bytes it took; undefined until it is there. */
  get first(): { json: unknown; length: number } | undefined {
    if (this.bytes.length < 2) return undefined;
    const length = 2 + this.bytes.readUInt16BE(0);
    if (this.bytes.length < length) return undefined;
    return { json: JSON.parse(this.bytes.subarray(2, length).toString('utf8')) as unknown, length };
  }

  /** Waits until `done`; rejects when the stream ends first. */
  async until(done: () => boolean): Promise<void> {
    while (!done()) {
      if (this.stream.state === 'closed') throw new Error('The stream closed first.');
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #take(chunk: Uint8Array): void {
    this.received += chunk.length;
    if (this.bytes.length < 64 * 1024) this.bytes = Buffer.concat([this.bytes, chunk]);
    if (this.reading) this.stream.consumed(chunk.length);
    this.#wake();
  }
}

/** Opens a stream with this header, sent as it is. */
export function openStream(peer: TestPeer, header: unknown): WatchedStream {
  const watched = new WatchedStream(peer.link.openStream());
  watched.stream.write(encodePrefixed(header));
  return watched;
}

/** The first JSON that comes back on a new stream with this header. */
export async function firstAnswer(peer: TestPeer, header: unknown): Promise<unknown> {
  const watched = openStream(peer, header);
  await watched.until(() => watched.first !== undefined);
  return watched.first?.json;
}
