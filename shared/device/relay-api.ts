// The relay's HTTPS API as an app calls it: addresses, headers, tokens, time limits. Nothing that comes back is trusted
// here; whoever asked checks it. A call is never sent twice, except that a refused token is renewed once before anything
// was passed on.
import { deviceApi, deviceHeaders, type DeviceOperation } from '../contracts/device-api.ts';
import { certificateRefusal } from '../contracts/certificate-refusal.ts';
import { GatehouseError } from '../contracts/errors.ts';
import type { Bytes } from './bytes.ts';
import { maxProblemLength, problemError } from './problem.ts';
import type { TokenProvider } from './token-provider.ts';

export type Fetch = typeof fetch;

export interface RelayApiOptions {
  /** `https://relay.example`; http on loopback alone. */
  readonly relay: string;
  readonly serviceId: string;
  readonly fetch?: Fetch;
  /** For the head of an answer, and then for each of its parts, in milliseconds. */
  readonly timeoutMs?: number;
}

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly contentType?: 'application/json' | 'application/octet-stream';
  readonly body?: Bytes;
  readonly signal?: AbortSignal | undefined;
}

export interface ApiAnswer {
  readonly sessionId: string | null;
  /** The body as it comes. Breaking off the iteration cancels it. */
  readonly body: AsyncGenerator<Bytes>;
}

const defaultTimeoutMs = 60_000;
/** For all of an answer that is held in memory. */
const maxCollectMs = 5 * 60_000;

export class RelayApi {
  readonly serviceId: string;
  readonly #base: string;
  readonly #tokens: TokenProvider;
  readonly #fetch: Fetch;
  readonly #timeoutMs: number;

  /** @throws GatehouseError `usage` for an address that is no https:// origin */
  constructor(tokens: TokenProvider, options: RelayApiOptions) {
    this.serviceId = options.serviceId;
    this.#base = `${originOf(options.relay)}/s/${encodeURIComponent(options.serviceId)}`;
    this.#tokens = tokens;
    this.#fetch = options.fetch ?? ((...request) => fetch(...request));
    this.#timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  }

  async token(): Promise<string> {
    return this.#tokens.token();
  }

  /**
   * An answer of status 200.
   * @throws GatehouseError the code of a refusal (anybody's word), `relay_unreachable`, `timeout`, `cancelled`
   */
  async call(operation: DeviceOperation, options: CallOptions = {}): Promise<ApiAnswer> {
    try {
      return await this.#send(operation, options, await this.#tokens.token());
    } catch (error) {
      const refused = error instanceof GatehouseError && error.code === 'oidc_token_rejected';
      if (!refused || operation === 'request') throw error;
      return this.#send(operation, options, await this.#tokens.token({ renew: true }));
    }
  }

  /** After `oidc_token_rejected` to a request: what is sent next has another token. */
  async renewToken(): Promise<void> {
    await this.#tokens.token({ renew: true });
  }

  /** A blob's ciphertext from byte `from` on. */
  async blob(id: string, from: number, signal?: AbortSignal): Promise<ApiAnswer> {
    const url = `${this.#base}/blobs/${encodeURIComponent(id)}`;
    const token = await this.#tokens.token();
    const range = from === 0 ? {} : { range: `bytes=${from}-` };
    return this.#fetchAnswer(url, { headers: { authorization: `Bearer ${token}`, ...range } }, signal);
  }

  async #send(operation: DeviceOperation, options: CallOptions, token: string): Promise<ApiAnswer> {
    const { method, path, version } = deviceApi[operation];
    const { body, contentType, signal } = options;
    const headers = {
      authorization: `Bearer ${token}`,
      ...(contentType && { 'content-type': contentType }),
      ...options.headers,
    };
    const url = `${this.#base}${path}?api-version=${version}`;
    return this.#fetchAnswer(url, { method, headers, ...(body && { body }) }, signal);
  }

  async #fetchAnswer(url: string, request: RequestInit, signal?: AbortSignal): Promise<ApiAnswer> {
    const watch = new Watch(this.#timeoutMs, signal);
    try {
      const answer = await this.#fetch(url, {
        ...request,
        signal: watch.signal,
        cache: 'no-store',
        credentials: 'omit',
        redirect: 'error',
        referrerPolicy: 'no-referrer',
      });
      const body = watch.read(answer.body);
      if (answer.status === 200 || answer.status === 206) {
        return { sessionId: answer.headers.get(deviceHeaders.sessionId), body };
      }
      throw problemError(answer.status, new TextDecoder().decode(await collect(body, maxProblemLength)));
    } catch (error) {
      watch.stop();
      throw watch.explain(error);
    }
  }
}

/**
 * All of `body` behind `first`, which came before it.
 * @throws GatehouseError `body_too_large` beyond `limit` bytes, `timeout` where it only trickles
 */
export async function collect(
  body: AsyncIterable<Bytes>,
  limit: number,
  first: Bytes = new Uint8Array(),
): Promise<Bytes> {
  const parts = [first];
  const begun = performance.now();
  let { length } = first;
  if (length > limit) throw tooLong();
  for await (const part of body) {
    length += part.length;
    if (performance.now() - begun > maxCollectMs) throw late();
    if (length > limit) throw tooLong();
    parts.push(part);
  }
  if (length === first.length) return first;
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** One call's time limit and cancelling. */
class Watch {
  readonly #timeoutMs: number;
  readonly #outer: AbortSignal | undefined;
  readonly #controller = new AbortController();
  /** Of the part that is awaited: a body that ignores the signal must not keep its reader waiting. */
  #giveUp: (() => void) | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #late = false;

  constructor(timeoutMs: number, outer: AbortSignal | undefined) {
    this.#timeoutMs = timeoutMs;
    this.#outer = outer;
    this.#controller.signal.addEventListener('abort', () => this.#giveUp?.());
    if (outer?.aborted === true) this.#controller.abort();
    outer?.addEventListener('abort', this.#abort);
    this.#again();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  async *read(body: Response['body']): AsyncGenerator<Bytes> {
    const reader = body?.getReader();
    try {
      for (;;) {
        this.#again();
        const part = await this.#unlessAborted(reader?.read());
        // A reader may take its time; only the relay may not.
        clearTimeout(this.#timer);
        if (part === undefined || part.done) return;
        yield part.value as Bytes;
      }
    } catch (error) {
      throw this.explain(error);
    } finally {
      this.stop();
      // What was read to its end, or has failed, needs no cancelling: an error here tells nothing new.
      reader?.cancel().catch(() => {});
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#abort);
  }

  explain(error: unknown): GatehouseError {
    if (error instanceof GatehouseError) return error;
    if (this.#late) return late();
    if (this.#outer?.aborted === true) return new GatehouseError('cancelled', 'The request was cancelled.');
    const message =
      certificateRefusal(error) ??
      'The relay cannot be reached, or broke off. Check the connection and try again.';
    return new GatehouseError('relay_unreachable', message, { cause: error });
  }

  /**
   * `part`, or an error as soon as the call is aborted. A promise of its own for each part: raced against one promise that
   * outlives them, all parts would be held until the body ends.
   */
  async #unlessAborted<T>(part: Promise<T> | undefined): Promise<T | undefined> {
    if (part === undefined) return undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#giveUp = () => reject(new Error('aborted'));
        if (this.signal.aborted) this.#giveUp();
        part.then(resolve, reject);
      });
    } finally {
      this.#giveUp = null;
    }
  }

  #again(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#late = true;
      this.#controller.abort();
    }, this.#timeoutMs);
  }

  readonly #abort = (): void => this.#controller.abort();
}

function tooLong(): GatehouseError {
  return new GatehouseError('body_too_large', 'The answer is longer than allowed.');
}

function late(): GatehouseError {
  return new GatehouseError('timeout', 'No answer came in time. Try again.');
}

/** TLS is the outer layer, so plain http is for loopback alone. */
function originOf(relay: string): string {
  const url = URL.canParse(relay) ? new URL(relay) : null;
  const loopback = url !== null && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback)) return url.origin;
  throw new GatehouseError(
    'usage',
    'The relay’s address begins with https://. Plain http:// is for loopback.',
  );
}
