// RPCs as HTTP requests on a session: names, arguments and answers, and the record of each request.
import type { Readable } from 'node:stream';
import { asGatehouseError, GatehouseError } from '../contracts/errors.ts';
import { ClientRequest } from './client-request.ts';
import { checkTimeout, maxAnswerLength, maxArgsLength, maxStreamArgsLength } from './limits.ts';
import type { BodySource } from './pour.ts';
import type { Session } from './session.ts';
import { callStreamed } from './streamed-exchange.ts';
import { callWhole, jsonType, streamType } from './whole-exchange.ts';

export interface CallOptions {
  /** Breaks the request off with `cancelled`. */
  readonly signal?: AbortSignal | undefined;
  /**
   * How long the service may give no sign of life while it is waited for, in milliseconds; whatever the caller
   * itself takes for sending or reading a body does not count. Default: the client's `timeouts.callMs`.
   */
  readonly timeoutMs?: number | undefined;
}

export interface StreamOptions extends CallOptions {
  /** The body to send. It is read no faster than the service takes it, and destroyed where the request fails. */
  readonly body: BodySource;
  /** Arguments beside the body, as JSON of up to 6 KiB. */
  readonly args?: unknown;
}

export interface StreamedResult {
  /** Octets of the answer; destroyed with a GatehouseError where they are not all of it. Who opened it reads or destroys it. */
  readonly body: Readable;
  /** `application/octet-stream`, or what else the RPC answers with. */
  readonly contentType: string;
  readonly request: ClientRequest;
}

/** Called with each request as it is sent. */
export type RecordRequest = (request: ClientRequest) => void;

/** A request that has been checked and is ready to be sent on any session. */
export interface PreparedCall {
  readonly rpcName: string;
  readonly args: Buffer | null;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** @throws GatehouseError `rpc_too_large` where `call`'s arguments do not fit beside a streamed body */
export function checkStreamArgs({ args }: PreparedCall): void {
  if (args === null || args.length <= maxStreamArgsLength) return;
  throw new GatehouseError('rpc_too_large', 'Arguments beside a streamed body may have 6 KiB of JSON.');
}

/** @throws GatehouseError `usage`, `rpc_too_large` */
export function prepareCall(
  rpcName: string,
  args: unknown,
  options: CallOptions,
  defaultTimeoutMs: number,
): PreparedCall {
  if (!/^[a-z][a-z0-9_.-]{0,63}$/.test(rpcName)) {
    throw new GatehouseError(
      'usage',
      'The name of an RPC has lower-case letters, digits, "_", "." and "-", 64 at most.',
    );
  }
  const timeoutMs =
    options.timeoutMs === undefined ? defaultTimeoutMs : checkTimeout('timeoutMs', options.timeoutMs);
  return { rpcName, args: encodeArgs(args), timeoutMs, signal: options.signal };
}

/** Calls with JSON and resolves with JSON. @throws as `callWhole` does */
export async function callRpc(session: Session, call: PreparedCall, record: RecordRequest): Promise<unknown> {
  const { rpcName, args, timeoutMs, signal } = call;
  const request = new ClientRequest(rpcName, session.facts, session.h2, session.verified);
  record(request);
  try {
    const headers = args === null ? bareHeaders(session) : jsonHeaders(session);
    const path = `/rpc/${rpcName}`;
    const whole = {
      path,
      headers,
      body: args,
      expects: jsonType,
      maxLength: maxAnswerLength,
      timeoutMs,
      signal,
    };
    const result = parseAnswer(await callWhole(session.connection, whole, request));
    request.finish(null);
    return result;
  } catch (error) {
    const coded = asGatehouseError(error);
    request.finish(coded);
    throw coded;
  }
}

/** Calls with a streamed body. `onOver` is called once when both bodies are done with. @throws as `callStreamed` */
export async function streamRpc(
  session: Session,
  call: PreparedCall,
  body: Readable,
  record: RecordRequest,
  onOver: () => void,
): Promise<StreamedResult> {
  const { rpcName, args, timeoutMs, signal } = call;
  const request = new ClientRequest(rpcName, session.facts, session.h2, session.verified);
  record(request);
  const finish = (error: GatehouseError | null): void => {
    request.finish(error);
    onOver();
  };
  const streamed = {
    path: `/rpc/${rpcName}`,
    headers: { ...bareHeaders(session), 'content-type': streamType, ...argsHeader(args) },
    body,
    timeoutMs,
    signal,
    onOver: finish,
  };
  return { ...(await callStreamed(session.connection, streamed, request)), request };
}

const bare = {
  plain: {},
  none: { 'gatehouse-verified-by': 'none' },
  fingerprint: { 'gatehouse-verified-by': 'fingerprint' },
} as const;
const json = { 'content-type': jsonType } as const;
const withJson = {
  plain: json,
  none: { ...bare.none, ...json },
  fingerprint: { ...bare.fingerprint, ...json },
} as const;

function bareHeaders(session: Session): Readonly<Record<string, string>> {
  return bare[session.facts.tls?.verifiedBy ?? 'plain'];
}

function jsonHeaders(session: Session): Readonly<Record<string, string>> {
  return withJson[session.facts.tls?.verifiedBy ?? 'plain'];
}

/** Arguments that are not given are no body. */
function encodeArgs(args: unknown): Buffer | null {
  if (args === undefined) return null;
  let text: string | undefined;
  try {
    text = JSON.stringify(args);
  } catch (cause) {
    throw new GatehouseError(
      'usage',
      'The arguments of an RPC are JSON, and these cannot be written as JSON.',
      { cause },
    );
  }
  const bytes = Buffer.from(text ?? 'null', 'utf8');
  if (bytes.length <= maxArgsLength) return bytes;
  throw new GatehouseError(
    'rpc_too_large',
    `Arguments may have ${maxArgsLength} bytes of JSON. Stream larger bodies.`,
  );
}

function argsHeader(args: Buffer | null): Record<string, string> {
  return args === null ? {} : { 'gatehouse-args': args.toString('base64url') };
}

function parseAnswer(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch (cause) {
    throw new GatehouseError('rpc_failed', 'The answer of the service is no JSON.', { cause });
  }
}
