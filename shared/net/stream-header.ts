// What opens every stream, and what answers it. The dialling side sends a header; the relay sets
// `clientId` from what it has verified and passes the header on; the service, or the relay where it
// refuses, sends one answer. After these two the stream is opaque bytes. Both are the relay's word.
import * as v from 'valibot';
import { GatehouseError, isErrorCode } from '../contracts/errors.ts';
import type { SerialisedError } from '../contracts/errors.ts';
import { encodePrefixed } from './prefixed.ts';

const shortText = v.pipe(v.string(), v.maxLength(256));

const streamHeaderSchema = v.object({
  v: v.literal(1),
  kind: v.picklist(['e2ee', 'plain', 'device', 'blob']),
  serviceId: shortText,
  /** Set by the relay from the client's credentials; what a client says here is dropped. */
  clientId: v.optional(shortText),
});

export type StreamHeader = v.InferOutput<typeof streamHeaderSchema>;
export type StreamKind = StreamHeader['kind'];

const streamAnswerSchema = v.variant('ok', [
  v.object({ v: v.literal(1), ok: v.literal(true) }),
  v.object({
    v: v.literal(1),
    ok: v.literal(false),
    error: v.object({ code: shortText, message: v.pipe(v.string(), v.maxLength(1024)) }),
  }),
]);

export function encodeStreamHeader(header: StreamHeader): Uint8Array {
  return encodePrefixed(header);
}

/** @throws GatehouseError `header_malformed` */
export function parseStreamHeader(json: unknown): StreamHeader {
  const result = v.safeParse(streamHeaderSchema, json);
  if (result.success) return result.output;
  throw new GatehouseError('header_malformed', 'The stream header is not of a form that this version knows.');
}

/** The answer to a header: go on, or why not. */
export function encodeStreamAnswer(refusal: SerialisedError | null = null): Uint8Array {
  if (refusal === null) return encodePrefixed({ v: 1, ok: true });
  const { code, message } = refusal;
  return encodePrefixed({ v: 1, ok: false, error: { code, message: message.slice(0, 1024) } });
}

/** Returns where the answer is "go on". @throws GatehouseError the refusal, or `relay_protocol` */
export function parseStreamAnswer(json: unknown): void {
  const result = v.safeParse(streamAnswerSchema, json);
  if (!result.success) {
    throw new GatehouseError(
      'relay_protocol',
      'The relay answered a stream in a form that this version does not know.',
    );
  }
  if (result.output.ok) return;
  const { code, message } = result.output.error;
  throw new GatehouseError(isErrorCode(code) ? code : 'relay_protocol', message);
}
