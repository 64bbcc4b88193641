// The client of the bench of device sessions, the same program in Node and in a page of Chromium: what it measures, it
// measures with the library as an app has it, and beside it the plain way through the same relay with the same fetch. A
// plain request is the same POST with as many bytes, which goes the same way to the service, is checked for the same token
// and read there; but its session is none, so that a short plain answer comes back (SESSION_UNKNOWN). A blob's bytes are the
// same, but are not decrypted. It must never use what only one of the two has.
import { deviceApi, deviceHeaders } from '../../shared/contracts/device-api.ts';
import { askForDocument, Device } from '../../shared/device/index.ts';
import type { DeviceKey, DocumentKey, Session, TokenProvider } from '../../shared/device/index.ts';

export type Way = 'session' | 'plain';

export interface LoadFigures {
  /** Requests a second. */
  readonly rate: number;
  /** Of one request, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

export interface DeviceClient {
  /** `inFlight` requests at a time for `forMs`. */
  load(way: Way, inFlight: number, forMs: number): Promise<LoadFigures>;
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

const mib = 1024 * 1024;
const octets = 'application/octet-stream';
/** Of the form of a session's id, but none. */
const noSession = 'A'.repeat(32);
/** As long as a sealed ping. */
const plainBody = new Uint8Array(97);

export class BenchClient implements DeviceClient {
  readonly #device: Device;
  readonly #key: DeviceKey;
  readonly #session: Session;
  readonly #tokens: TokenProvider;
  readonly #base: string;

  private constructor(device: Device, key: DeviceKey, session: Session, tokens: TokenProvider, base: string) {
    this.#device = device;
    this.#key = key;
    this.#session = session;
    this.#tokens = tokens;
    this.#base = base;
  }

  /** Registers a device and starts its session. */
  static async enter(tokens: TokenProvider, { relay, serviceId, code }: Entrance): Promise<BenchClient> {
    const device = new Device(tokens, { relay, serviceId });
    await device.loadAgentInfo();
    const key = await device.registerAs('bench', { code });
    return new BenchClient(device, key, await device.login(key), tokens, `${relay}/s/${serviceId}`);
  }

  async load(way: Way, inFlight: number, forMs: number): Promise<LoadFigures> {
    const call =
      way === 'plain'
        ? () => this.#plainRequest()
        : () => this.#session.request('ping', {}, { idempotent: true });
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
      if (way === 'plain') await this.#plainRequest();
      else (await this.#device.login(this.#key)).close();
    });
  }

  async #plainRequest(): Promise<void> {
    const { path, version } = deviceApi.request;
    const authorization = `Bearer ${await this.#tokens.token()}`;
    const headers = { authorization, 'content-type': octets, [deviceHeaders.sessionId]: noSession };
    const url = `${this.#base}${path}?api-version=${version}`;
    const response = await fetch(url, { method: 'POST', headers, body: plainBody });
    const problem = (await response.json()) as { code?: unknown };
    if (problem.code !== 'SESSION_UNKNOWN') throw new Error(`${path}: ${String(response.status)}`);
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
