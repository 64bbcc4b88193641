// A service with device sessions in memory for its tests: real keys, folders and journal, and a relay that the test is, which
// can send any bytes on any stream. Test code: nothing that ships may import it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deviceAnswerFrame, maxDeviceFrame } from '../../../shared/contracts/device-api.ts';
import type { DeviceAnswerFrame, Problem } from '../../../shared/contracts/device-api.ts';
import { defaultSettings } from '../../../shared/contracts/settings.ts';
import type { Settings } from '../../../shared/contracts/settings.ts';
import type { Clock } from '../../../shared/device/agent.ts';
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
