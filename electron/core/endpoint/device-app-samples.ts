// An app of the tests' service with device sessions: registers its key, starts sessions and seals requests as a real app
// does, one step at a time, so that a test can be the relay between them. Test code: nothing that ships may import it.
import { randomBytes } from 'node:crypto';
import type { GatehouseError } from '../../../shared/contracts/errors.ts';
import { steadyClock } from '../../../shared/device/agent.ts';
import type { Bytes } from '../../../shared/device/agent.ts';
import { beginStart } from '../../../shared/device/app-handshake.ts';
import { AppSession } from '../../../shared/device/app-session.ts';
import { newIdentity, publicKeyFromJwk } from '../../../shared/device/identity.ts';
import type { Identity } from '../../../shared/device/identity.ts';
import { newRequestId } from '../../../shared/device/payload.ts';
import { parseRegistrationCode, registrationProof } from '../../../shared/device/registration.ts';
import { codeOf } from './device-samples.ts';
import type { DeviceWorld, SampleDeviceAnswer } from './device-samples.ts';
import { sampleServiceId } from './endpoint-samples.ts';

/** An app with one key, of one user. */
export class SampleApp {
  readonly identity: Identity;
  readonly #world: DeviceWorld;
  readonly #subject: string;

  private constructor(world: DeviceWorld, subject: string, identity: Identity) {
    this.#world = world;
    this.#subject = subject;
    this.identity = identity;
  }

  static async make(world: DeviceWorld, subject = 'anna', identity?: Identity): Promise<SampleApp> {
    return new SampleApp(world, subject, identity ?? (await newIdentity()));
  }

  /** Registered, and confirmed by the administrator. */
  static async confirmed(world: DeviceWorld, subject = 'anna'): Promise<SampleApp> {
    const app = await SampleApp.make(world, subject);
    await app.register();
    await world.devices.administration.confirm(app.deviceId, app.identity.fingerprint);
    return app;
  }

  get token(): string {
    return this.#world.issuer.token(this.#subject);
  }

  get deviceId(): string {
    const owner = { issuer: this.#world.issuer.url, subject: this.#subject };
    return this.#world.devices.registry.find({ ...owner, fingerprint: this.identity.fingerprint })?.id ?? '';
  }

  async register(code?: string, more: object = {}): Promise<SampleDeviceAnswer> {
    const { fingerprint, jwk } = this.identity;
    const proof = code === undefined ? {} : { Proof: await this.proof('device', code) };
    const json = { Device: 'Phone', DeviceFingerprint: fingerprint, PublicKey: jwk, ...proof, ...more };
    const frame = { operation: 'register', token: this.token };
    return this.#world.call(frame, Buffer.from(JSON.stringify(json)));
  }

  async proof(role: 'device' | 'agent', code: string): Promise<string> {
    const agent = await publicKeyFromJwk(this.#world.devices.agent.info().publicKey);
    return registrationProof(role, parseRegistrationCode(code), {
      serviceId: sampleServiceId,
      issuer: this.#world.issuer.url,
      subject: this.#subject,
      agentPoint: agent.point,
      devicePoint: this.identity.point,
    });
  }

  /** A start message, and what makes a session of its answer. */
  async beginStart(): Promise<Awaited<ReturnType<typeof beginStart>>> {
    return beginStart({
      identity: this.identity,
      agentPublicKey: await publicKeyFromJwk(this.#world.devices.agent.info().publicKey),
      serviceId: sampleServiceId,
      issuer: this.#world.issuer.url,
      subject: this.#subject,
    });
  }

  sendStart(message: Bytes, token = this.token): Promise<SampleDeviceAnswer> {
    return this.#world.call({ operation: 'start', token, device: this.identity.fingerprint }, message);
  }

  /** @throws Error with the code of the refusal */
  async start(): Promise<AppSession> {
    const pending = await this.beginStart();
    const answer = await this.sendStart(pending.message);
    const sessionId = answer.frame?.sessionId;
    if (sessionId === undefined) throw new Error(codeOf(answer));
    const { keys, limits } = await pending.finish(new Uint8Array(answer.body), sessionId);
    return new AppSession({ sessionId, keys, limits, clock: steadyClock() });
  }

  send(
    session: { readonly sessionId: string },
    body: Bytes,
    token = this.token,
  ): Promise<SampleDeviceAnswer> {
    return this.#world.call({ operation: 'request', token, sessionId: session.sessionId }, body);
  }

  /** One request; its payload, or the code that it ended with. */
  async request(
    session: AppSession,
    payloadType: string,
    payload: unknown = null,
    requestId = newRequestId(),
    firstSession?: string,
  ): Promise<{ payload?: unknown; code: string; sealed?: boolean }> {
    const counter = session.take();
    if (counter === null) return { code: 'no counter left' };
    const body = await session.seal(counter, { payloadType, payload, requestId, firstSession });
    return this.read(session, counter, await this.send(session, body));
  }

  async read(
    session: AppSession,
    counter: number,
    answer: SampleDeviceAnswer,
  ): Promise<{ payload?: unknown; code: string; sealed?: boolean }> {
    try {
      if (answer.frame?.status !== 200) return { code: codeOf(answer), sealed: false };
      const { payload } = await session.open(counter, new Uint8Array(answer.body));
      return { payload, code: 'ok', sealed: true };
    } catch (error) {
      return { code: (error as GatehouseError).code, sealed: true };
    } finally {
      session.settle();
    }
  }
}

/** Base64url of random bytes, as a request id. */
export function sampleRequestId(): string {
  return randomBytes(16).toString('base64url');
}
