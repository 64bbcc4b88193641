// What is inside a request and an answer: JSON under the seed's names. Parsed once, here, into what cannot be wrong.
// An error inside an answer is the agent's own word; one outside (problem.ts) is anybody's.
import { GatehouseError, isErrorCode, type ErrorCode, type SerialisedError } from '../contracts/errors.ts';
import { base64url, textOf, utf8, type Bytes } from './bytes.ts';
import { randomBytes } from './primitives.ts';

const requestIdLength = 16;
/** So many bytes in unpadded base64url: the last character holds two bits of them, and four that are zero. */
const requestIdForm = /^[A-Za-z0-9_-]{21}[AQgw]$/;
/** Longer than any session id. */
const maxSessionIdLength = 128;
const errorType = 'Error';

type Members = Readonly<Record<string, unknown>>;

export interface RequestPayload {
  readonly payloadType: string;
  readonly payload: unknown;
  /** 16 random bytes in base64url. The agent journals it: a retry carries the same one. */
  readonly requestId: string;
  /** Of a retry alone: the session in which it was sent first, so that the agent can tell whether it would know of it. */
  readonly firstSession?: string | undefined;
}

export interface AnswerPayload {
  readonly payloadType: string;
  readonly payload: unknown;
}

export function newRequestId(): string {
  return base64url(randomBytes(requestIdLength));
}

export function encodeRequest({ payloadType, payload, requestId, firstSession }: RequestPayload): Bytes {
  const request = { PayloadType: payloadType, Payload: payload ?? null, RequestId: requestId };
  return utf8(JSON.stringify({ ...request, FirstSession: firstSession }));
}

/** Null where `plaintext` is no request. */
export function decodeRequest(plaintext: Bytes): RequestPayload | null {
  const found = members(plaintext);
  const requestId = found?.RequestId;
  if (found === null || typeof requestId !== 'string') return null;
  if (!requestIdForm.test(requestId)) return null;
  const answer = answerOf(found);
  const firstSession = found.FirstSession;
  if (answer === null || !isSessionIdOrNone(firstSession)) return null;
  return { ...answer, requestId, ...(firstSession !== undefined && { firstSession }) };
}

export function encodeAnswer({ payloadType, payload }: AnswerPayload): Bytes {
  return utf8(JSON.stringify({ PayloadType: payloadType, Payload: payload ?? null }));
}

/** An answer that tells an error. */
export function errorAnswer({ code, message, details }: SerialisedError): AnswerPayload {
  return { payloadType: errorType, payload: { code, message, ...(details && { details }) } };
}

/**
 * The answer in an authentic plaintext.
 * @throws GatehouseError the agent's error where the answer is one, `ANSWER_NOT_AUTHENTIC` where it is no answer
 */
export function decodeAnswer(plaintext: Bytes): AnswerPayload {
  const found = members(plaintext);
  const answer = found === null ? null : answerOf(found);
  if (answer === null) {
    throw new GatehouseError('ANSWER_NOT_AUTHENTIC', 'The agent’s answer is not of the expected form.');
  }
  if (answer.payloadType === errorType) throw agentError(answer.payload);
  return answer;
}

/** True for an error that came inside an authentic answer. */
export function isAgentError(error: unknown): boolean {
  return error instanceof AgentError;
}

/** An error of the agent, authenticated. */
class AgentError extends GatehouseError {}

function agentError(payload: unknown): AgentError {
  const { code, message, details } = Object(payload) as Members;
  const known: ErrorCode = isErrorCode(code) ? code : 'rpc_failed';
  const text = typeof message === 'string' ? message : 'The agent answered with an error.';
  const facts = typeof details === 'object' && details !== null ? plainDetails(details) : {};
  return new AgentError(known, text, { details: facts });
}

function plainDetails(details: object): Record<string, string | number | boolean | null> {
  const kinds = ['string', 'number', 'boolean'];
  const entries = Object.entries(details as Record<string, unknown>);
  const kept = entries.filter(([, value]) => value === null || kinds.includes(typeof value));
  return Object.fromEntries(kept) as Record<string, string | number | boolean | null>;
}

function answerOf(found: Members): AnswerPayload | null {
  const { PayloadType: payloadType, Payload: payload } = found;
  if (typeof payloadType !== 'string' || payloadType === '') return null;
  return { payloadType, payload: payload ?? null };
}

function isSessionIdOrNone(value: unknown): value is string | undefined {
  if (value === undefined) return true;
  return typeof value === 'string' && value.length > 0 && value.length <= maxSessionIdLength;
}

function members(plaintext: Bytes): Members | null {
  try {
    const value: unknown = JSON.parse(textOf(plaintext));
    return typeof value === 'object' && value !== null ? (value as Members) : null;
  } catch {
    return null;
  }
}
