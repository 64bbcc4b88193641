// The opening exchange on a new WebSocket, in JSON text messages, before yamux begins.
// A service: challenge → enrol → welcome. A client, already authorised by its HTTP upgrade: welcome.
// Whoever refuses says so in a `refused` message and closes.
import * as v from 'valibot';
import { asGatehouseError, GatehouseError, isErrorCode } from '../contracts/errors.ts';
import type { SerialisedError } from '../contracts/errors.ts';
import { closeCode } from './channel.ts';
import type { WebSocketChannel } from './channel.ts';

/** Where services and clients dial in, below the relay's URL. */
export const relayPaths = { service: '/v1/service', client: '/v1/client', services: '/v1/services' } as const;

/** Bytes of a relay's nonce. */
export const nonceLength = 32;

const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const base64url = (max: number) => v.pipe(v.string(), v.maxLength(max), v.regex(/^[A-Za-z0-9_-]*$/));

const openingSchema = v.variant('type', [
  v.object({ type: v.literal('challenge'), v: v.literal(1), nonce: base64url(64) }),
  v.object({
    type: v.literal('enrol'),
    v: v.literal(1),
    /** The raw Ed25519 public key, 32 bytes. */
    publicKey: base64url(64),
    /** The relay's URL as the service dialled it. */
    url: text(512),
    /** Ed25519 over `enrolmentProof`, 64 bytes. */
    signature: base64url(128),
    enrolmentToken: v.optional(text(256)),
  }),
  v.object({
    type: v.literal('welcome'),
    v: v.literal(1),
    domain: text(256),
    serviceId: v.optional(text(64)),
    clientId: v.optional(text(256)),
  }),
  v.object({
    type: v.literal('refused'),
    v: v.literal(1),
    error: v.object({ code: text(64), message: text(1024) }),
  }),
]);

export type OpeningMessage = v.InferOutput<typeof openingSchema>;
export type OpeningOf<T extends OpeningMessage['type']> = Extract<OpeningMessage, { type: T }>;

export function sendOpening(channel: WebSocketChannel, message: OpeningMessage): void {
  channel.sendText(JSON.stringify(message));
}

/** Says why and closes. */
export function refuseOpening(channel: WebSocketChannel, refusal: SerialisedError): void {
  const { code, message } = refusal;
  sendOpening(channel, { type: 'refused', v: 1, error: { code, message } });
  channel.close(new GatehouseError(code, message), closeCode.refused);
}

/**
 * The next opening message, which must be of `type`.
 * @throws GatehouseError what the other end refused with, `relay_protocol`, or `relay_unreachable` on silence
 */
export function nextOpening<T extends OpeningMessage['type']>(
  channel: WebSocketChannel,
  type: T,
  timeoutMs: number,
): Promise<OpeningOf<T>> {
  return new Promise((resolve, reject) => {
    const finish = (): void => {
      clearTimeout(timer);
      stopWatching();
      channel.onText(null);
    };
    const timer = setTimeout(() => {
      finish();
      reject(
        new GatehouseError('relay_unreachable', 'The other end did not finish the opening exchange in time.'),
      );
    }, timeoutMs);
    const stopWatching = channel.onClosed((error) => {
      finish();
      reject(error);
    });
    channel.onText((received) => {
      finish();
      try {
        resolve(parseOpening(received, type));
      } catch (error) {
        reject(asGatehouseError(error));
      }
    });
  });
}

/**
 * The bytes that a service signs to prove its key to one relay, once: label, 0x00, the URL with a
 * 2-byte big-endian length, the relay's nonce, the service id. No relay can pass it on to another.
 */
export function enrolmentProof(url: string, nonce: Uint8Array, serviceId: string): Uint8Array {
  const urlBytes = Buffer.from(url, 'utf8');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(urlBytes.length);
  const label = Buffer.from('gatehouse service enrolment v1\0', 'utf8');
  return Buffer.concat([label, length, urlBytes, nonce, Buffer.from(serviceId, 'utf8')]);
}

function parseOpening<T extends OpeningMessage['type']>(received: string, type: T): OpeningOf<T> {
  let json: unknown = null;
  try {
    json = JSON.parse(received);
  } catch {
    // Judged with every other malformed message below.
  }
  const result = v.safeParse(openingSchema, json);
  if (result.success && result.output.type === type) return result.output as OpeningOf<T>;
  if (result.success && result.output.type === 'refused') {
    const { code, message } = result.output.error;
    throw new GatehouseError(isErrorCode(code) ? code : 'relay_protocol', message);
  }
  throw new GatehouseError('relay_protocol', `The other end sent something else than "${type}".`);
}
