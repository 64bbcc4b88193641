// The client of the bench of device sessions, the same program in Node and in a page of Chromium: what it measures, it
// measures with the library as an app has it, and beside it the plain way through the same relay with the same fetch. A
// plain request is a POST that the service carries out and answers without end-to-end encryption: a registration that it
// has answered before, which takes neither disk nor row. A refused one is the least that any request can take: a ping's
// bytes in a session that is none, so that the service only checks the token and answers SESSION_UNKNOWN. A blob's bytes
// are the same, but are not decrypted. It must never use what only one of the two has.
import { deviceApi, deviceHeaders, type DeviceOperation } from '../../shared/contracts/device-api.ts';
import { askForDocument, Device } from '../../shared/device/index.ts';
import type { DeviceKey, DocumentKey, Session, TokenProvider } from '../../shared/device/index.ts';

export type Way = 'session' | 'plain';
export type LoadWay = Way | 'refused';

export interface LoadFigures {
  /** Requests a second. */
  readonly rate: number;
  /** Of one request, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

export interface DeviceClient {
  /** `inFlight` requests at a time for `forMs`. */
  load(way: LoadWay, inFlight: number, forMs: number): Promise<LoadFigures>;
  /** Downloads a published document, in MiB/s: what came once, the relay has from then on. */
  download(way: Way, name: string): Promise<number>;
  /** Milliseconds of one session start; the plain way is what it is compared with. */
  start(way: Way): Promise<number>;
}

/** Where a client enters. */
export interface Entrance {
  /** `https://localhost:port` */
  readonly relay: string;
  readonly serviceId: string;
  /** An unused registration code. */
  readonly code: string;
}

/** What a client has once it has entered. */
interface Entered {
  readonly device: Device;
  readonly key: DeviceKey;
  readonly session: Session;
  readonly tokens: TokenProvider;
  readonly base: string;
  readonly registration: PlainRequest;
}

const mib = 1024 * 1024;

/** A plain request: an operation with its headers and body, and what its answer has to say. */
interface PlainRequest {
  readonly operation: DeviceOperation;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: NonNullable<RequestInit['body']>;
  readonly answered: Readonly<Record<string, string>>;
}

/** In a session that is none, and as long as a sealed ping. */
const refusedRequest: PlainRequest = {
  operation: 'request',
  headers: { 'content-type': 'application/octet-stream', [deviceHeaders.sessionId]: 'A'.repeat(32) },
  body: new Uint8Array(97),
  answered: { code: 'SESSION_UNKNOWN' },
};

export class BenchClient implements DeviceClient {
  readonly #device: Device;
  readonly #key: DeviceKey;
  readonly #session: Session;
  readonly #tokens: TokenProvider;
  readonly #base: string;
  readonly #requests: Readonly<Record<Exclude<LoadWay, 'session'>, PlainRequest>>;

  private constructor({ device, key, session, tokens, base, registration }: Entered) {
    this.#device = device;
    this.#key = key;
    this.#session = session;
    this.#tokens = tokens;
    this.#base = base;
    this.#requests = { plain: registration, refused: refusedRequest };
  }

  /** Registers a device and starts its session. */
  static async enter(tokens: TokenProvider, { relay, serviceId, code }: Entrance): Promise<BenchClient> {
    let body: NonNullable<RequestInit['body']> = '';
    const noting: typeof fetch = (url, options) => {
      body = options?.body ?? body;
      return fetch(url, options);
    };
    const registering = new Device(tokens, { relay, serviceId, fetch: noting });
    await registering.loadAgentInfo();
    const key = await registering.registerAs('bench', { code });
    const headers = { 'content-type': 'application/json' };
    const registration = { operation: 'register', headers, body, answered: { status: 'confirmed' } } as const;
    const device = new Device(tokens, { relay, serviceId });
    const [session, base] = [await device.login(key), `${relay}/s/${serviceId}`];
    return new BenchClient({ device, key, session, tokens, base, registration });
  }

  async load(way: LoadWay, inFlight: number, forMs: number): Promise<LoadFigures> {
    const call =
      way === 'session'
        ? () => this.#session.request('ping', {}, { idempotent: true })
        : () => this.#request(this.#requests[way]);
    const times: number[] = [];
    const started = performance.now();
    const worker = async (): Promise<void> => {
      while (performance.now() - started < forMs) times.push(await millisecondsOf(call));
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
    const seconds = (performance.now() - started) / 1000;
    times.sort((a, b) => a - b);
    return { rate: times.length / seconds, p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
  }

  async download(way: Way, name: string): Promise<number> {
    const document = await askForDocument(this.#session, { collection: 'bench', name });
    const read = (): Promise<number> => (way === 'plain' ? this.#sealed(document) : this.#opened(document));
    return rateOf(read, document.length);
  }

  /** Beside it, one plain request: each is a single round trip. */
  start(way: Way): Promise<number> {
    return millisecondsOf(async () => {
      if (way === 'plain') await this.#request(this.#requests.plain);
      else (await this.#device.login(this.#key)).close();
    });
  }

  async #request({ operation, headers, body, answered }: PlainRequest): Promise<void> {
    const { method, path, version } = deviceApi[operation];
    const authorization = `Bearer ${await this.#tokens.token()}`;
    const url = `${this.#base}${path}?api-version=${version}`;
    const response = await fetch(url, { method, headers: { authorization, ...headers }, body });
    const said = (await response.json()) as Record<string, unknown>;
    const isExpected = Object.entries(answered).every(([name, value]) => said[name] === value);
    if (!isExpected) throw new Error(`${path}: ${String(response.status)}`);
  }

  /** Reads a document's ciphertext, with nothing in between. Answers its length. */
  async #sealed({ blob }: DocumentKey): Promise<number> {
    const authorization = `Bearer ${await this.#tokens.token()}`;
    const response = await fetch(`${this.#base}/blobs/${blob}`, {
      headers: { authorization },
      cache: 'no-store',
    });
    if (!response.ok) throw new Error(`a blob: ${String(response.status)}`);
    const reader = response.body?.getReader();
    for (let length = 0; ;) {
      const part = await reader?.read();
      if (part?.value === undefined) return length;
      length += (part.value as Uint8Array).length;
    }
  }

  async #opened(document: DocumentKey): Promise<number> {
    let length = 0;
    for await (const bytes of this.#device.download(document, { lent: true })) length += bytes.length;
    return length;
  }
}

async function millisecondsOf(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}

/** MiB/s of what has at least `least` bytes. */
async function rateOf(read: () => Promise<number>, least: number): Promise<number> {
  const before = performance.now();
  const length = await read();
  if (length < least) throw new Error('a download is short');
  return length / mib / ((performance.now() - before) / 1000);
}

/** Of sorted values. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
