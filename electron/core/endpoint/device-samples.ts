// A service with device sessions in memory for its tests: real keys, folders and journal, and a relay that the test is, which
// can send any bytes on any stream. Test code: nothing that ships may import it.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deviceAnswerFrame, maxDeviceFrame } from '../../../shared/contracts/device-api.ts';
import type { DeviceAnswerFrame, Problem } from '../../../shared/contracts/device-api.ts';
import type { GatehouseError } from '../../../shared/contracts/errors.ts';
import { defaultSettings } from '../../../shared/contracts/settings.ts';
import type { Settings } from '../../../shared/contracts/settings.ts';
import { beginStart } from '../../../shared/device/app-handshake.ts';
import { AppSession } from '../../../shared/device/app-session.ts';
import { newIdentity, publicKeyFromJwk } from '../../../shared/device/identity.ts';
import type { Identity } from '../../../shared/device/identity.ts';
import { steadyClock } from '../../../shared/device/agent.ts';
import type { Bytes, Clock } from '../../../shared/device/agent.ts';
import { newRequestId } from '../../../shared/device/payload.ts';
import { parseRegistrationCode, registrationProof } from '../../../shared/device/registration.ts';
import { encodePrefixed, readPrefixed } from '../../../shared/net/prefixed.ts';
import { StreamDuplex } from '../../../shared/net/stream-duplex.ts';
import { parseStreamAnswer } from '../../../shared/net/stream-header.ts';
import type { YamuxStream } from '../../../shared/wire/stream.ts';
import type { DeviceSessionsLimits } from '../devices/device-sessions.ts';
import type { JournalLimits } from '../devices/request-journal.ts';
import { Devices } from '../devices/devices.ts';
import { Opened } from '../opened.ts';
import { rpcs } from '../rpc/registry.ts';
import type { Rpc } from '../rpc/rpc.ts';
import { newDeviceSecrets } from '../secrets/secrets-payload.ts';
import { DeviceStreams } from './device-streams.ts';
import { sampleServiceId, SampleEndpoint } from './endpoint-samples.ts';
import type { SampleLog } from './endpoint-samples.ts';

/** What the samples need of an issuer. */
export interface SampleIssuer {
  readonly url: string;
  readonly audience: string;
  token(subject?: string): string;
}

/** Two joined yamux sessions; `open` opens a stream that the other end is told of. */
export interface SampleWire {
  open(): YamuxStream;
  close(): void;
}

export interface DeviceWorldOptions {
  readonly issuer: SampleIssuer;
  readonly makeWire: (onStream: (stream: YamuxStream) => void) => SampleWire;
  readonly rpcs?: readonly Rpc[];
  readonly settings?: Partial<Settings>;
  readonly limits?: Partial<DeviceSessionsLimits>;
  readonly journalLimits?: Partial<JournalLimits>;
  readonly clock?: Clock;
}

export interface SampleDeviceAnswer {
  /** Null where the stream was reset before or after it. */
  readonly frame: DeviceAnswerFrame | null;
  readonly body: Buffer;
  /** Whether all that the service said came, and it ended its side. */
  readonly whole: boolean;
}

export class DeviceWorld {
  readonly folder = mkdtempSync(join(tmpdir(), 'gatehouse-devices-'));
  readonly issuer: SampleIssuer;
  settings: Settings;
  devices!: Devices;
  endpoint!: SampleEndpoint;
  readonly #options: DeviceWorldOptions;
  readonly #secrets = newDeviceSecrets();
  #wire!: SampleWire;
  #opened = new Opened();

  private constructor(options: DeviceWorldOptions) {
    this.#options = options;
    const { url, audience } = options.issuer;
    this.issuer = options.issuer;
    const oidc = { 'service.oidc.issuer': url, 'service.oidc.audience': audience };
    this.settings = { ...defaultSettings, ...oidc, ...options.settings };
  }

  static async open(options: DeviceWorldOptions): Promise<DeviceWorld> {
    const world = new DeviceWorld(options);
    await world.start();
    return world;
  }

  get log(): SampleLog {
    return this.endpoint.log;
  }

  /** Starts on the same folder, as after `stop` or `kill`. */
  async start(): Promise<void> {
    const { agentKey, journalKey } = this.#secrets;
    const secrets = {
      agentKey: Buffer.from(agentKey, 'base64'),
      journalKey: Buffer.from(journalKey, 'base64'),
    };
    this.devices = await Devices.open(
      {
        dataFolder: this.folder,
        serviceId: sampleServiceId,
        secrets,
        settings: () => this.settings,
        onProblem: () => undefined,
        journalLimits: this.#options.journalLimits,
        ...(this.#options.limits && { limits: this.#options.limits }),
        ...(this.#options.clock && { clock: this.#options.clock }),
      },
      this.#opened,
    );
    const { agent, registry, sessions, oidc, journal } = this.devices;
    const all = new Map([...rpcs, ...(this.#options.rpcs ?? []).map((rpc) => [rpc.name, rpc] as const)]);
    const servers = {
      device: (...args: Parameters<DeviceStreams['serve']>) => {
        streams.serve(...args);
      },
    };
    this.endpoint = new SampleEndpoint({ rpcs: this.#options.rpcs ?? [], servers });
    const streams = new DeviceStreams({
      ...{ agent, registry, sessions, oidc, journal },
      router: this.endpoint.router,
      idempotent: (name) => all.get(name)?.idempotent === true,
    });
    this.#wire = this.#options.makeWire((stream) => {
      this.endpoint.acceptor.accept(stream);
    });
  }

  async stop(): Promise<void> {
    this.#wire.close();
    this.endpoint.close();
    await this.#opened.close();
    this.#opened = new Opened();
  }

  /** As kill -9: nothing is closed, and the next `start` finds what is on the disk. */
  kill(): void {
    this.#wire.close();
    this.#opened = new Opened();
  }

  async close(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Opens a stream of kind `device` as the relay does, and sends these bytes behind the header. */
  openStream(first: Uint8Array, clientId = 'anna'): YamuxStream {
    const stream = this.#wire.open();
    stream.write(encodePrefixed({ v: 1, kind: 'device', serviceId: sampleServiceId, clientId }));
    stream.write(first);
    return stream;
  }

  /** One call as the relay passes it on. */
  async call(frame: object, body: Uint8Array = new Uint8Array(0)): Promise<SampleDeviceAnswer> {
    const stream = this.openStream(encodePrefixed({ v: 1, ...frame }, maxDeviceFrame));
    if (body.length > 0) stream.write(body);
    stream.end();
    return answerOn(stream);
  }
}

/** Reads what comes back on a stream. */
export function answerOn(stream: YamuxStream): Promise<SampleDeviceAnswer> {
  return new Promise((resolve) => {
    const broken = (): void => {
      resolve({ frame: null, body: Buffer.alloc(0), whole: false });
    };
    readPrefixed(stream, 20_000, {
      failed: broken,
      arrived: ({ json, rest }) => {
        parseStreamAnswer(json);
        const arrived = { failed: broken, arrived: readBody };
        readPrefixed(stream, 60_000, arrived, { maxLength: maxDeviceFrame, rest });
      },
    });
    const readBody = ({ json, rest }: { json: unknown; rest: Uint8Array }): void => {
      const frame = deviceFrame(json);
      const duplex = new StreamDuplex(stream, rest);
      const chunks: Buffer[] = [];
      duplex.on('data', (chunk: Buffer) => chunks.push(chunk));
      duplex.on('error', () => undefined);
      duplex.once('close', () => {
        resolve({ frame, body: Buffer.concat(chunks), whole: duplex.readableEnded });
      });
      duplex.once('end', () => duplex.destroy());
    };
  });
}

function deviceFrame(json: unknown): DeviceAnswerFrame {
  const result = deviceAnswerFrame['~standard'].validate(json);
  if (result instanceof Promise || result.issues !== undefined) throw new Error('no answer frame');
  return result.value;
}

export function codeOf({ frame, body }: SampleDeviceAnswer): string {
  if (frame === null) return 'reset';
  if (frame.contentType !== 'application/problem+json') return `status ${frame.status}`;
  return (JSON.parse(body.toString('utf8')) as Problem).code;
}

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

/** Counts how often it runs; takes its time where it is told to. */
export function counting(name = 'count', idempotent = false): Rpc & { runs: number; wait: Promise<unknown> } {
  const rpc = {
    name,
    takesStream: false,
    idempotent,
    runs: 0,
    wait: Promise.resolve() as Promise<unknown>,
    run: async () => {
      rpc.runs += 1;
      const run = rpc.runs;
      await rpc.wait;
      return { json: { run } };
    },
  };
  return rpc;
}

export function rejections(world: DeviceWorld): string[] {
  return world.log.rejected.map(({ rejectionCode }) => rejectionCode);
}
