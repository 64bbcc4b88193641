// The HTTPS API of device sessions, and how the relay passes it on to the service in streams of kind `device` and
// `blob`: paths, versions, headers and frames. Both the relay and the service parse with these schemas; everything
// here is the relay's word, and bodies are opaque to it.
import * as v from 'valibot';

/** Under `/s/{service-id}` at the relay. The seed's paths and versions. */
export const deviceApi = {
  agentinfo: { method: 'GET', path: '/api/sessions/agentinfo', version: '1.0' },
  register: { method: 'POST', path: '/api/sessions/register', version: '1.0' },
  start: { method: 'POST', path: '/api/sessions/start', version: '1.0' },
  request: { method: 'POST', path: '/api/requests', version: '2.0' },
} as const;

export type DeviceOperation = keyof typeof deviceApi;

export const deviceHeaders = {
  /** Of `start`: the fingerprint of the device, lower-case hex. */
  device: 'device',
  /** Of `request`, and of the answer to `start`. */
  sessionId: 'x-session-id',
} as const;

/** Longest bodies, in bytes. */
export const deviceBodyLimit: Readonly<Record<DeviceOperation, number>> = {
  agentinfo: 0,
  register: 8 * 1024,
  start: 4 * 1024,
  request: 1024 * 1024 + 1024,
};

/** Longest first frame of a `device` or `blob` stream, in bytes: it holds an OIDC token. */
export const maxDeviceFrame = 16 * 1024;
export const maxOidcTokenLength = 8 * 1024;

const fingerprint = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const sessionId = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{16,64}$/));
const token = v.pipe(v.string(), v.minLength(1), v.maxLength(maxOidcTokenLength));

/**
 * The first frame of a `device` stream, length-prefixed as the stream header is; the body follows until the relay
 * ends its side. The token is the user's own, for the service to verify by itself.
 */
export const deviceRequestFrame = v.variant('operation', [
  v.object({ v: v.literal(1), operation: v.literal('agentinfo'), token }),
  v.object({ v: v.literal(1), operation: v.literal('register'), token }),
  v.object({ v: v.literal(1), operation: v.literal('start'), token, device: fingerprint }),
  v.object({ v: v.literal(1), operation: v.literal('request'), token, sessionId }),
]);
export type DeviceRequestFrame = v.InferOutput<typeof deviceRequestFrame>;

/** What the service answers first; the body follows until it ends its side (a reset is a broken answer). */
export const deviceAnswerFrame = v.object({
  v: v.literal(1),
  status: v.pipe(v.number(), v.integer(), v.minValue(200), v.maxValue(599)),
  contentType: v.picklist(['application/json', 'application/octet-stream', 'application/problem+json']),
  /** Of the body in bytes; null where it is streamed. */
  length: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0))),
  sessionId: v.optional(sessionId),
});
export type DeviceAnswerFrame = v.InferOutput<typeof deviceAnswerFrame>;

/** The first frame of a `blob` stream: bytes `from` to `to` (exclusive; null: to the end) of one ciphertext. */
export const blobRequestFrame = v.object({
  v: v.literal(1),
  blob: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22,64}$/)),
  from: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER)),
  to: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER))),
});
export type BlobRequestFrame = v.InferOutput<typeof blobRequestFrame>;

/** What the service answers: the whole length of the ciphertext, then the bytes asked for. */
export const blobAnswerFrame = v.variant('ok', [
  v.object({ v: v.literal(1), ok: v.literal(true), length: v.pipe(v.number(), v.integer(), v.minValue(0)) }),
  v.object({ v: v.literal(1), ok: v.literal(false), code: v.pipe(v.string(), v.maxLength(64)) }),
]);
export type BlobAnswerFrame = v.InferOutput<typeof blobAnswerFrame>;

/** Answer to `agentinfo`, JSON. `publicKey` is the agent's ECDSA P-256 identity key. */
export const agentInfoSchema = v.object({
  serviceId: v.string(),
  name: v.string(),
  /** SHA-256 of the SPKI DER, lower-case hex. */
  fingerprint,
  publicKey: v.looseObject({ kty: v.literal('EC'), crv: v.literal('P-256'), x: v.string(), y: v.string() }),
  versions: v.object({ sessions: v.string(), requests: v.string() }),
});
export type AgentInfo = v.InferOutput<typeof agentInfoSchema>;

/** Body of `register`, JSON under the seed's names. `Proof` only with a registration code, base64url. */
export const registerBodySchema = v.object({
  Device: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
  DeviceFingerprint: fingerprint,
  PublicKey: v.looseObject({ kty: v.literal('EC'), crv: v.literal('P-256'), x: v.string(), y: v.string() }),
  Proof: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/))),
});
export type RegisterBody = v.InferOutput<typeof registerBodySchema>;

/** Answer to `register`, JSON. `proof` only with a registration code: the agent's, base64url. */
export const registerAnswerSchema = v.object({
  status: v.picklist(['pending', 'confirmed']),
  proof: v.optional(v.string()),
});
export type RegisterAnswer = v.InferOutput<typeof registerAnswerSchema>;

/** A refusal anywhere in this API (RFC 9457): `type` is `about:blank`, `code` ours. Never authenticated. */
export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}
