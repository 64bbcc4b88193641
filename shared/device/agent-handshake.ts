// The agent's half of the start handshake: checks the device's signature, and answers with its own over everything said.
// It must never answer a start that does not verify, and keeps no ephemeral. That a nonce works once is its caller's
// to hold (`nonce` is in the result for that), since nonces outlive sessions.
import { GatehouseError } from '../contracts/errors.ts';
import { base64url, type Bytes } from './bytes.ts';
import {
  answerStatement,
  decodeStart,
  encodeStartAnswer,
  nonceLength,
  sessionKeys,
  startStatement,
  transcriptHash,
  type SessionKeys,
  type StartMessage,
} from './handshake.ts';
import { sign, verify, type Identity, type PublicKey } from './identity.ts';
import { checkDeviceSessionLimits, maxDeviceSessionLimits, type DeviceSessionLimits } from './limits.ts';
import { newEphemeral, pointOf, randomBytes, sharedSecret, type KeyPair } from './primitives.ts';

export interface StartRequest {
  /** The agent's own. */
  readonly identity: Identity;
  readonly serviceId: string;
  /** From the token that the agent has verified itself. */
  readonly issuer: string;
  readonly subject: string;
  /** As registered under the fingerprint in the header `device`. */
  readonly devicePublicKey: PublicKey;
  /** The body of `start`. */
  readonly message: Bytes;
  readonly sessionId: string;
  readonly limits?: DeviceSessionLimits;
}

export interface StartedSession {
  /** The body of the answer. */
  readonly answer: Bytes;
  readonly keys: SessionKeys;
  /** Of the app, 32 bytes in base64url: the agent must refuse a start with one that it has seen. */
  readonly nonce: string;
  readonly limits: DeviceSessionLimits;
}

/** @throws GatehouseError `device_start_invalid` where the message is malformed or not this device's for this agent */
export async function answerStart(request: StartRequest): Promise<StartedSession> {
  return answerStartWith(request, { nonce: randomBytes(nonceLength), ephemeral: await newEphemeral() });
}

/** As `answerStart`, with the agent's randomness given: for test vectors. */
export async function answerStartWith(
  request: StartRequest,
  fresh: { readonly nonce: Bytes; readonly ephemeral: KeyPair },
): Promise<StartedSession> {
  const { identity, sessionId } = request;
  const limits = checkDeviceSessionLimits(request.limits ?? maxDeviceSessionLimits);
  const { start, statement } = await verifiedStart(request);
  const shared = await sharedSecret(fresh.ephemeral.privateKey, start.ephemeral);
  if (shared === null) throw invalid('its ephemeral key is no point on P-256');
  const ours = { nonce: fresh.nonce, ephemeral: await pointOf(fresh.ephemeral.publicKey), limits };
  const transcript = await transcriptHash(statement, start.signature, ours, sessionId);
  const signature = await sign(identity, answerStatement(transcript));
  const keys = await sessionKeys(shared, transcript);
  return { answer: encodeStartAnswer({ ...ours, signature }), keys, nonce: base64url(start.nonce), limits };
}

/** Where the message verifies: what it says. */
async function verifiedStart(request: StartRequest): Promise<{ start: StartMessage; statement: Bytes }> {
  const { identity, serviceId, issuer, subject, devicePublicKey } = request;
  const start = decodeStart(request.message);
  if (start === null) throw invalid('it has a wrong length or version');
  const points = { agentPoint: identity.point, devicePoint: devicePublicKey.point };
  const facts = { serviceId, issuer, subject, ...points };
  const statement = startStatement(facts, start.nonce, start.ephemeral);
  if (!(await verify(devicePublicKey, start.signature, statement))) {
    throw invalid('its signature is not this device’s for this service and user');
  }
  return { start, statement };
}

function invalid(reason: string): GatehouseError {
  const message = `The start of the device session does not verify: ${reason}. Start again; if it stays so, register the device again.`;
  return new GatehouseError('device_start_invalid', message, { details: { reason } });
}
