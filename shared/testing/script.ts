// What a scripted relay and service can be told to do, and what it has seen: see scripted-service.ts.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Capabilities } from '../contracts/capabilities.ts';
import type { SerialisedError } from '../contracts/errors.ts';
import type { StreamHeader } from '../net/stream-header.ts';
import type { VerificationScript } from './scripted-verification.ts';
import type { TestCertificate } from './test-certificate.ts';

/** One request as the service sees it. */
export interface ScriptedCall {
  readonly rpcName: string;
  readonly headers: IncomingMessage['headers'];
  readonly e2ee: boolean;
  /** Null over HTTP/1.1. */
  readonly h2: { readonly session: ServerHttp2Session; readonly stream: ServerHttp2Stream } | null;
  readonly h1: { readonly request: IncomingMessage; readonly response: ServerResponse } | null;
  /** The connection of HTTP/1.1, for raw bytes. */
  readonly connection: Duplex;
}

export interface Script extends VerificationScript {
  readonly certificate?: TestCertificate;
  /** What clients must send as bearer token; none by default. */
  readonly relayToken?: string;
  readonly domain?: string;
  readonly clientId?: string;
  /** Refuses a stream, or leaves it without an answer. */
  readonly answerStream?: (header: StreamHeader) => SerialisedError | 'silence' | null;
  readonly capabilities?: Partial<Capabilities['e2ee']>;
  /** What the relay makes of `capabilities` outside TLS. */
  readonly tamperOutside?: (capabilities: Capabilities) => unknown;
  /** Takes over an RPC; false leaves it to the default. */
  readonly rpc?: (call: ScriptedCall) => boolean;
  /** Answers TLS with something else, or not at all. */
  readonly insteadOfTls?: (duplex: Duplex) => void;
}

export interface Seen {
  readonly authorisations: (string | undefined)[];
  readonly streams: StreamHeader[];
  /** Per E2EE stream: what came out of TLS. */
  readonly insideTls: Buffer[][];
  /** Of every stream: the bytes as the relay sees them. */
  readonly outside: Buffer[];
  /** Decoded header lists of all requests, and the bodies of those that no script took over. */
  readonly http: string[];
  readonly verified: string[];
  dials: number;
}

export interface ScriptedService {
  readonly url: string;
  readonly fingerprint: string;
  readonly seen: Seen;
  /** Streams to the service that are open now. */
  readonly openStreams: number;
  /** Cuts all connections of clients with the relay. */
  cut(): void;
  close(): Promise<void>;
}

/** Sends GOAWAY with an error code as its opaque data, and cuts the session off, as a service does. */
export function goAway(session: ServerHttp2Session, code: string): void {
  session.goaway(constants.NGHTTP2_NO_ERROR, undefined, Buffer.from(code, 'ascii'));
  setImmediate(() => session.destroy());
}
