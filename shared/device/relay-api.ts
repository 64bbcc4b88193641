// The relay's HTTPS API as an app calls it: addresses, headers, tokens, time limits. Nothing that comes back is trusted
// here; whoever asked checks it. A call is never sent twice, except that a refused token is renewed once before anything
// was passed on.
import { deviceApi, deviceHeaders, type DeviceOperation } from '../contracts/device-api.ts';
import { GatehouseError } from '../contracts/errors.ts';
import { bodyReader, reusingBodyReader } from './body-reader.ts';
import { concat, type Bytes } from './bytes.ts';
import { CallWatch, late, partsOf, type AnswerBody } from './call-watch.ts';
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
  readonly body: AnswerBody;
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
    this.#fetch = options.fetch ?? fetch.bind(globalThis);
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

  /**
   * A blob's ciphertext from byte `from` on. A part of the body is good until the next one is asked for. The browser is not
   * to keep it. The API's own answers say so themselves, since a call with a cache mode costs it a preflight each time.
   */
  async blob(id: string, from: number, signal?: AbortSignal): Promise<AsyncGenerator<Bytes>> {
    const url = `${this.#base}/blobs/${encodeURIComponent(id)}`;
    const token = await this.#tokens.token();
    const range = from === 0 ? {} : { range: `bytes=${from}-` };
    const request: RequestInit = {
      headers: { authorization: `Bearer ${token}`, ...range },
      cache: 'no-store',
    };
    const { answer, watch } = await this.#fetchAnswer(url, request, signal);
    return partsOf(watch.body(reusingBodyReader(answer.body)));
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
    const request = { method, headers, ...(body && { body }) };
    const { answer, watch } = await this.#fetchAnswer(url, request, signal);
    const sessionId = answer.headers.get(deviceHeaders.sessionId);
    return { sessionId, body: watch.body(bodyReader(answer.body)) };
  }

  /** The answer whose head has come, and the watch over its body. */
  async #fetchAnswer(
    url: string,
    request: RequestInit,
    signal?: AbortSignal,
  ): Promise<{ readonly answer: Response; readonly watch: CallWatch }> {
    const watch = new CallWatch(this.#timeoutMs, signal);
    try {
      const answer = await this.#fetch(url, {
        ...request,
        signal: watch.signal,
        credentials: 'omit',
        redirect: 'error',
        referrerPolicy: 'no-referrer',
      });
      if (answer.status === 200 || answer.status === 206) return { answer, watch };
      const said = await collect(watch.body(bodyReader(answer.body)), maxProblemLength);
      throw problemError(answer.status, new TextDecoder().decode(said));
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
  body: AnswerBody,
  limit: number,
  first: Bytes = new Uint8Array(),
): Promise<Bytes> {
  const parts = [first];
  const begun = performance.now();
  let { length } = first;
  try {
    if (length > limit) throw tooLong();
    for (let part = await body.next(); part !== null; part = await body.next()) {
      length += part.length;
      if (performance.now() - begun > maxCollectMs) throw late();
      if (length > limit) throw tooLong();
      parts.push(part);
    }
  } finally {
    body.end();
  }
  return length === first.length ? first : concat(...parts);
}

function tooLong(): GatehouseError {
  return new GatehouseError('body_too_large', 'The answer is longer than allowed.');
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
