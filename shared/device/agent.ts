// What the agent, our service, takes from the session protocol.
export { answerStart, type StartedSession, type StartRequest } from './agent-handshake.ts';
export {
  AgentSession,
  type AgentSessionOptions,
  type AgentSessionState,
  type OpenedRequest,
} from './agent-session.ts';
export {
  blobCipher,
  blobLength,
  blobStart,
  decryptBlob,
  encryptBlob,
  newBlobKey,
  type BlobFacts,
} from './blobs.ts';
export { base64url, fromBase64url, type Bytes } from './bytes.ts';
export { steadyClock, type Clock } from './clock.ts';
export type { SessionKeys } from './handshake.ts';
export {
  exportIdentity,
  fingerprintOf,
  importIdentity,
  newIdentity,
  publicKeyFromJwk,
  publicKeyOf,
  sign,
  verify,
  type Identity,
  type PublicJwk,
  type PublicKey,
} from './identity.ts';
export {
  answerGraceMs,
  checkDeviceSessionLimits,
  maxDeviceSessionLimits,
  type DeviceSessionLimits,
} from './limits.ts';
export { errorAnswer, type AnswerPayload, type RequestPayload } from './payload.ts';
export {
  formatRegistrationCode,
  newRegistrationCode,
  parseRegistrationCode,
  registrationProof,
  verifyRegistrationProof,
  type RegistrationFacts,
  type RegistrationRole,
} from './registration.ts';
