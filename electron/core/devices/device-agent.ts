// The agent's answers to what an app asks before it has a session: who the agent is, registration, and the start of a
// session. Whoever asks has been verified by the service itself. It must never confirm a device without the administrator's
// word or a code, and never answer a start that does not verify.
import * as v from 'valibot';
import type { AgentInfo, RegisterAnswer } from '../../../shared/contracts/device-api.ts';
import { deviceApi, registerBodySchema } from '../../../shared/contracts/device-api.ts';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import {
  answerStart,
  publicKeyFromJwk,
  registrationProof,
  verifyRegistrationProof,
} from '../../../shared/device/agent.ts';
import type { Bytes, DeviceSessionLimits, Identity, PublicKey } from '../../../shared/device/agent.ts';
import { deviceIdOf, isDeviceName, statusOf } from './device-file.ts';
import type { DeviceRecord } from './device-file.ts';
import { revokedError } from './device-files.ts';
import type { DeviceRegistry } from './device-registry.ts';
import type { DeviceSession } from './device-session.ts';
import type { DeviceSessions } from './device-sessions.ts';
import type { OidcUser } from './oidc-verifier.ts';
import type { RequestJournal } from './request-journal.ts';

export interface DeviceAgentOptions {
  readonly identity: Identity;
  readonly serviceId: string;
  readonly registry: DeviceRegistry;
  readonly sessions: DeviceSessions;
  readonly journal: RequestJournal;
  /** Nonces of starts, each of which works once. */
  readonly starts: RequestJournal;
  /** As set at this moment. */
  readonly limits: () => DeviceSessionLimits;
}

export interface StartCall {
  readonly user: OidcUser;
  /** The fingerprint that the app names. */
  readonly fingerprint: string;
  readonly message: Bytes;
  /** The relay's word. */
  readonly clientId: string;
}

export class DeviceAgent {
  readonly #options: DeviceAgentOptions;

  constructor(options: DeviceAgentOptions) {
    this.#options = options;
  }

  /** What an app shows as the agent's name. */
  get name(): string {
    return `Gatehouse ${this.#options.serviceId}`;
  }

  /** Of the agent's identity key: lower-case hex SHA-256 of the SPKI DER. */
  get fingerprint(): string {
    return this.#options.identity.fingerprint;
  }

  info(): AgentInfo {
    const { identity, serviceId } = this.#options;
    return {
      serviceId,
      name: this.name,
      fingerprint: identity.fingerprint,
      publicKey: { ...identity.jwk },
      versions: { sessions: deviceApi.start.version, requests: deviceApi.request.version },
    };
  }

  /**
   * Registers the device in `body`, JSON, for this user: confirmed at once with the proof of a registration code.
   * @throws GatehouseError `body_malformed`, `device_key_invalid`, `device_exists`, `device_revoked`, `device_limit`,
   *   `registration_code_invalid`, `storage_failed`
   */
  async register(user: OidcUser, body: Uint8Array): Promise<RegisterAnswer> {
    const { Device: name, DeviceFingerprint, PublicKey: jwk, Proof: proof } = parseRegistration(body);
    const key = await publicKeyFromJwk(jwk);
    if (key.fingerprint !== DeviceFingerprint) {
      throw new GatehouseError('device_key_invalid', 'The fingerprint is not that of the public key.');
    }
    const device = newDevice(user, name, key);
    const there = this.#options.registry.get(device.id);
    const status = there === null ? null : statusOf(there);
    if (status === 'revoked') throw revokedError();
    if (there !== null && status === 'confirmed') return answerAgain(there, proof);
    if (proof !== undefined) return this.#confirmByCode(device, key, proof);
    return { status: statusWord(await this.#options.registry.add(device)) };
  }

  /** @throws GatehouseError `device_unknown`, `device_pending`, `device_revoked`, `device_start_invalid`, `device_start_replayed`, `limit_exceeded` */
  async start(call: StartCall): Promise<{ session: DeviceSession; answer: Bytes }> {
    const { identity, serviceId, sessions, journal, starts } = this.#options;
    const { issuer, subject } = call.user;
    const device = this.confirmed({ issuer, subject, fingerprint: call.fingerprint });
    const devicePublicKey = await keyOf(device);
    sessions.checkRoom();
    const [sessionId, limits] = [sessions.newId(), this.#options.limits()];
    const { message } = call;
    const who = { identity, serviceId, issuer, subject, devicePublicKey };
    const { answer, keys, nonce } = await answerStart({ ...who, message, sessionId, limits });
    // On disk as a request's id is: a nonce works once, also across restarts.
    if ((await starts.begin(device.id, nonce)) !== null) throw replayedStart();
    // It may have been revoked meanwhile.
    const still = this.confirmed({ issuer, subject, fingerprint: call.fingerprint });
    const { clientId } = call;
    journal.opened(device.id, sessionId);
    return { session: sessions.add({ id: sessionId, device: still, clientId, keys, limits }), answer };
  }

  /** @throws GatehouseError `device_unknown`, `device_pending`, `device_revoked` */
  confirmed(owner: { issuer: string; subject: string; fingerprint: string }): DeviceRecord {
    const device = this.#options.registry.find(owner);
    if (device === null) {
      const message = 'No device with this fingerprint is registered for this user. Register it first.';
      throw new GatehouseError('device_unknown', message);
    }
    if (statusOf(device) === 'revoked') throw revokedError();
    if (statusOf(device) === 'confirmed') return device;
    const message =
      'The administrator has not confirmed this device yet. Compare both fingerprints with the administrator.';
    throw new GatehouseError('device_pending', message);
  }

  async #confirmByCode(device: DeviceRecord, key: PublicKey, proof: string): Promise<RegisterAnswer> {
    const { identity, serviceId, registry } = this.#options;
    const { issuer, subject, id, fingerprint } = device;
    const facts = { serviceId, issuer, subject, agentPoint: identity.point, devicePoint: key.point };
    const code = await registry.codes.spend((each) => verifyRegistrationProof('device', each, facts, proof));
    const proofs = { device: proof, agent: await registrationProof('agent', code, facts) };
    code.fill(0);
    const confirmed = { confirmedAt: device.registeredAt, confirmedBy: 'code', proofs } as const;
    const there = await registry.add({ ...device, ...confirmed });
    if (statusOf(there) === 'revoked') throw revokedError();
    if (statusOf(there) === 'pending') await registry.confirm(id, fingerprint, 'code', proofs);
    return { status: 'confirmed', proof: proofs.agent };
  }
}

function parseRegistration(body: Uint8Array): v.InferOutput<typeof registerBodySchema> {
  const text = Buffer.from(body).toString('utf8');
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), registerBodySchema), text);
  if (result.success && isDeviceName(result.output.Device)) return result.output;
  const message =
    'The registration is not of the form that this call takes: Device (1 to 128 printable characters), DeviceFingerprint and PublicKey.';
  throw new GatehouseError('body_malformed', message);
}

function newDevice({ issuer, subject }: OidcUser, name: string, key: PublicKey): DeviceRecord {
  const { fingerprint, jwk } = key;
  const owner = { issuer, subject, fingerprint };
  const { x, y } = jwk;
  return {
    v: 1,
    id: deviceIdOf(owner),
    name,
    ...owner,
    publicKey: { kty: 'EC', crv: 'P-256', x, y },
    registeredAt: Date.now(),
    ...{ confirmedAt: null, confirmedBy: null, revokedAt: null, proofs: null },
  };
}

/** The same proof gets the same answer: the first one may have been lost on its way. */
function answerAgain({ proofs }: DeviceRecord, proof: string | undefined): RegisterAnswer {
  if (proof !== undefined && proofs?.device === proof) return { status: 'confirmed', proof: proofs.agent };
  throw new GatehouseError('device_exists', 'The device is registered already. Start a session with it.');
}

function statusWord(device: DeviceRecord): RegisterAnswer['status'] {
  const status = statusOf(device);
  if (status === 'revoked') throw revokedError();
  return status;
}

/** @throws GatehouseError `device_corrupt` where the key on disk is not the one that was confirmed */
async function keyOf({ publicKey, fingerprint }: DeviceRecord): Promise<PublicKey> {
  const key = await publicKeyFromJwk(publicKey);
  if (key.fingerprint === fingerprint) return key;
  const message = 'The file of this device is damaged, so it is not let in. Register the device again.';
  throw new GatehouseError('device_corrupt', message);
}

function replayedStart(): GatehouseError {
  const message = 'This start was used before. Start again with a fresh one.';
  return new GatehouseError('device_start_replayed', message);
}
