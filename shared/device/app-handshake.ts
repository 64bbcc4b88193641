// The app's half of the start handshake: one message out, one answer in. The agent's key is the one that the device was
// registered against, never one that came with the answer. The ephemeral goes when the answer has been read, or not.
import { GatehouseError } from '../contracts/errors.ts';
import type { Bytes } from './bytes.ts';
import {
  answerStatement,
  decodeStartAnswer,
  encodeStart,
  nonceLength,
  sessionKeys,
  startStatement,
  transcriptHash,
  type SessionKeys,
} from './handshake.ts';
import { sign, verify, type Identity, type PublicKey } from './identity.ts';
import { withinDeviceSessionLimits, type DeviceSessionLimits } from './limits.ts';
import { newEphemeral, pointOf, randomBytes, sharedSecret, type KeyPair } from './primitives.ts';

export interface StartOptions {
  /** The device's own. */
  readonly identity: Identity;
  /** As registered against. */
  readonly agentPublicKey: PublicKey;
  readonly serviceId: string;
  readonly issuer: string;
  readonly subject: string;
}

export interface PendingStart {
  /** The body of `start`. */
  readonly message: Bytes;
  /**
   * Checks the agent's answer; can be called once.
   * @throws GatehouseError `AGENT_NOT_AUTHENTIC`
   */
  finish(answer: Bytes, sessionId: string): Promise<FinishedStart>;
}

export interface FinishedStart {
  readonly keys: SessionKeys;
  readonly limits: DeviceSessionLimits;
}

export async function beginStart(options: StartOptions): Promise<PendingStart> {
  return beginStartWith(options, { nonce: randomBytes(nonceLength), ephemeral: await newEphemeral() });
}

/** As `beginStart`, with the app's randomness (and for vectors the signature) given: for test vectors. */
export async function beginStartWith(
  options: StartOptions,
  fresh: { readonly nonce: Bytes; readonly ephemeral: KeyPair; readonly signature?: Bytes },
): Promise<PendingStart> {
  const { identity, agentPublicKey, serviceId, issuer, subject } = options;
  const points = { agentPoint: agentPublicKey.point, devicePoint: identity.point };
  const ephemeral = await pointOf(fresh.ephemeral.publicKey);
  const statement = startStatement({ serviceId, issuer, subject, ...points }, fresh.nonce, ephemeral);
  const signature = fresh.signature ?? (await sign(identity, statement));
  let privateKey: KeyPair['privateKey'] | null = fresh.ephemeral.privateKey;
  return {
    message: encodeStart({ nonce: fresh.nonce, ephemeral, signature }),
    finish: async (answer, sessionId) => {
      const key = privateKey;
      privateKey = null;
      if (key === null) throw notAuthentic('a start has one answer');
      return finish({ agentPublicKey, statement, signature, privateKey: key }, answer, sessionId);
    },
  };
}

interface Begun {
  readonly agentPublicKey: PublicKey;
  readonly statement: Bytes;
  readonly signature: Bytes;
  readonly privateKey: KeyPair['privateKey'];
}

async function finish(begun: Begun, answer: Bytes, sessionId: string): Promise<FinishedStart> {
  const theirs = decodeStartAnswer(answer);
  if (theirs === null) throw notAuthentic('its answer has a wrong length or version');
  const transcript = await transcriptHash(begun.statement, begun.signature, theirs, sessionId);
  if (!(await verify(begun.agentPublicKey, theirs.signature, answerStatement(transcript)))) {
    throw notAuthentic('its signature is not that of the key that this device was registered against');
  }
  const { limits } = theirs;
  if (!withinDeviceSessionLimits(limits)) throw notAuthentic('it grants more than a session may have');
  const shared = await sharedSecret(begun.privateKey, theirs.ephemeral);
  if (shared === null) throw notAuthentic('its ephemeral key is no point on P-256');
  return { keys: await sessionKeys(shared, transcript), limits };
}

function notAuthentic(reason: string): GatehouseError {
  const message = `The agent could not prove that it has its key: ${reason}. Something between this app and the agent may be answering in its place.`;
  return new GatehouseError('AGENT_NOT_AUTHENTIC', message, { details: { reason } });
}
