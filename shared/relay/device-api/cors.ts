// Which web pages may use the HTTPS API: those whose origin was named, each by itself. There is no wildcard, and no
// page ever gets to use credentials that a browser keeps: the token is a header that the page itself sets.
// Source: the Fetch standard, "CORS protocol".
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GatehouseError } from '../../contracts/errors.ts';
import { isSafeUrl } from '../../oidc/issuer-url.ts';

const maxOrigins = 64;
/** How long a browser may remember a preflight, in seconds. */
const preflightSeconds = 600;
const allowedHeaders = 'authorization, content-type, device, if-range, range, x-session-id';
const exposedHeaders = 'x-session-id, content-range, accept-ranges, etag, retry-after';

export class CorsOrigins {
  readonly #origins: ReadonlySet<string>;

  /** @throws GatehouseError `usage` for anything but the origin of an https page, or of one on loopback */
  constructor(texts: readonly string[]) {
    if (texts.length > maxOrigins) throw usage(`--cors-origin takes at most ${maxOrigins} origins.`);
    this.#origins = new Set(texts.map(checkOriginText));
  }

  /** True where the request comes from a page that was named. */
  names({ headersDistinct }: IncomingMessage): boolean {
    const [origin, ...more] = headersDistinct.origin ?? [];
    return origin !== undefined && more.length === 0 && this.#origins.has(origin);
  }

  /** Lets the page at the named origin read the answer; for anybody else nothing but that answers differ. */
  mark(request: IncomingMessage, response: ServerResponse): void {
    if (this.#origins.size > 0) response.setHeader('vary', 'origin');
    if (!this.names(request)) return;
    response.setHeader('access-control-allow-origin', request.headers.origin ?? '');
    response.setHeader('access-control-expose-headers', exposedHeaders);
  }

  /** Answers a preflight of a named page; its `mark` is set already. */
  answerPreflight(response: ServerResponse, methods: string): void {
    response.writeHead(204, {
      'access-control-allow-methods': methods,
      'access-control-allow-headers': allowedHeaders,
      'access-control-max-age': String(preflightSeconds),
    });
    response.end();
  }
}

function checkOriginText(text: string): string {
  const url = URL.parse(text);
  if (url === null || !isSafeUrl(url) || url.href !== `${url.origin}/`) {
    throw usage(
      'A --cors-origin is the origin of a web page, such as https://app.example; http is for loopback alone.',
    );
  }
  return url.origin;
}

function usage(message: string): GatehouseError {
  return new GatehouseError('usage', message);
}
