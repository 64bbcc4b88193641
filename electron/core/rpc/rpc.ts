// What an RPC is: a name, what it takes, and a function from a call to an answer.
// A handler knows nothing of sessions, policies or logs; the router has dealt with those before it runs.
import type { Readable } from 'node:stream';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { Capabilities } from '../../../shared/contracts/capabilities.ts';
import type { Documents } from '../documents/documents.ts';

/** What handlers may ask of the service, whoever calls. */
export interface ServiceContext {
  /** What the service can do and requires at this moment. */
  capabilities(): Capabilities;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Absent where the service has none. */
  readonly documents?: Documents | undefined;
}

/** Who calls, as far as the service itself has verified it. */
export interface Caller {
  /** How the call came: without E2EE, in a TLS session, or in a device session. */
  readonly kind: 'plain' | 'tls' | 'device';
  /** The remote user of the access token, or the OIDC subject of the device; null where nobody was verified. */
  readonly user: string | null;
  /** Id of the registered device and its own name; null but for a device session. */
  readonly deviceId: string | null;
  readonly deviceName: string | null;
}

/** What handlers may ask of the service for this call. */
export interface RpcContext extends ServiceContext {
  readonly caller: Caller;
}

export interface RpcCall {
  /** The JSON that came as the body, or in the `gatehouse-args` header of a streaming call; null where none did. */
  readonly args: unknown;
  /** The streamed body; null where the call came as JSON. It fails with `truncated` where it ends early. */
  readonly body: Readable | null;
  /** Aborted when the caller goes away or the session ends. */
  readonly signal: AbortSignal;
  readonly context: RpcContext;
}

export type RpcAnswer = { readonly json: unknown } | { readonly stream: Readable };

export interface Rpc {
  readonly name: string;
  /** Whether it takes a streamed body. */
  readonly takesStream: boolean;
  /**
   * Whether its answer as JSON may be kept and given again, where a device session repeats a request whose answer got
   * lost. Without it such a repetition is told RESULT_UNKNOWN.
   */
  readonly idempotent?: boolean;
  /** Whether its payloads are secrets that payload capture must never keep. */
  readonly neverCaptured?: boolean;
  /** @throws GatehouseError with a code for the caller; anything else becomes `rpc_failed` */
  run(call: RpcCall): RpcAnswer | Promise<RpcAnswer>;
}

export function badRequest(message: string): GatehouseError {
  return new GatehouseError('rpc_bad_request', message);
}
