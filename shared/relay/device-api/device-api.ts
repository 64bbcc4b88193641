// The relay's HTTPS API below `/s/{service-id}`: who asks is verified by its OIDC token, what it asks for is read from
// path and headers, and the rest is passed to the service as it is. It holds no key and imports no cryptography of ours.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { deviceBodyLimit } from '../../contracts/device-api.ts';
import type { DeviceRequestFrame } from '../../contracts/device-api.ts';
import { GatehouseError } from '../../contracts/errors.ts';
import type { RelayAddress } from '../address.ts';
import type { HttpApi } from '../front-door.ts';
import { HttpRefusal } from '../http-answer.ts';
import type { RelayLimits } from '../limits.ts';
import type { OidcUser, OidcVerifier } from '../oidc/oidc-verifier.ts';
import type { OnlineServices } from '../online-services.ts';
import { openServiceStream } from '../stream-router.ts';
import { bearerOf, checkHost, checkOrigin } from '../visitor.ts';
import type { ApiUsers, Visit } from './api-users.ts';
import type { CorsOrigins } from './cors.ts';
import { exchange } from './device-exchange.ts';
import { answerProblem, asApiRefusal } from './problem.ts';
import { tooLarge } from './request-body.ts';
import { apiPrefix, checkContentType, checkVersion, deviceOf, parseRoute, sessionOf } from './routes.ts';
import type { ApiRoute, BlobRoute, OperationRoute } from './routes.ts';

/** What answers `GET /s/{service-id}/blobs/{blob-id}`, its caller verified. */
export interface BlobAnswers {
  answer(request: IncomingMessage, response: ServerResponse, route: BlobRoute, user: BlobUser): Promise<void>;
}

export interface BlobUser {
  readonly subject: string;
  readonly visit: Visit;
}

export interface DeviceApiParts {
  readonly address: RelayAddress;
  readonly cors: CorsOrigins;
  /** Null where no issuer is configured. */
  readonly oidc: OidcVerifier | null;
  readonly users: ApiUsers;
  readonly online: OnlineServices;
  readonly blobs: BlobAnswers;
  readonly limits: RelayLimits;
  readonly logger: Logger;
  /** True once the relay takes nothing new. */
  readonly stopping: () => boolean;
}

const everyAnswer = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;

export class DeviceApi implements HttpApi {
  readonly #parts: DeviceApiParts;

  constructor(parts: DeviceApiParts) {
    this.#parts = parts;
  }

  takes(url: string): boolean {
    return url.startsWith(apiPrefix);
  }

  /** Never rejects: what goes wrong is answered as a problem, or ends the connection. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { cors, logger } = this.#parts;
    for (const [name, value] of Object.entries(everyAnswer)) response.setHeader(name, value);
    cors.mark(request, response);
    // A connection that breaks is told by `close`.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    try {
      await this.#answer(request, response);
    } catch (error) {
      const refusal = asApiRefusal(error, logger);
      logger.debug({ code: refusal.code, status: refusal.status }, 'request of the HTTPS API refused');
      answerProblem(request, response, refusal);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { cors } = this.#parts;
    this.#judge(request, response);
    const route = parseRoute(request.url ?? '');
    if (request.method === 'OPTIONS' && cors.names(request)) {
      cors.answerPreflight(response, route.method);
      return;
    }
    checkMethod(request, response, route);
    if (route.kind === 'operation') checkVersion(route);
    const { user, token } = await this.#verify(request);
    const visit = this.#parts.users.open(user.subject);
    try {
      if (route.kind === 'operation') await this.#exchange(request, response, route, { user, token, visit });
      else await this.#parts.blobs.answer(request, response, route, { subject: user.subject, visit });
    } finally {
      visit.close();
    }
  }

  /** @throws HttpRefusal for a wrong Host, a page that was not named, and while the relay stops */
  #judge(request: IncomingMessage, response: ServerResponse): void {
    const { address, cors, stopping } = this.#parts;
    checkHost(request, address);
    if (!cors.names(request)) checkOrigin(request, address);
    if (!stopping()) return;
    response.setHeader('connection', 'close');
    throw new GatehouseError('shutting_down', 'The relay is stopping. Try again in a moment.');
  }

  async #verify(request: IncomingMessage): Promise<{ user: OidcUser; token: string }> {
    const { oidc } = this.#parts;
    if (oidc === null) {
      const message =
        'This relay has no OpenID Connect issuer, so it serves no devices. Start it with --oidc-issuer.';
      throw new GatehouseError('oidc_not_configured', message);
    }
    const token = bearerOf(request);
    if (token === null) {
      const message =
        'This call needs a header "authorization: Bearer …" with an OpenID Connect access token.';
      throw new GatehouseError('oidc_token_required', message);
    }
    return { user: await oidc.verify(token), token };
  }

  async #exchange(
    request: IncomingMessage,
    response: ServerResponse,
    { serviceId, operation }: OperationRoute,
    { user, token, visit }: { user: OidcUser; token: string; visit: Visit },
  ): Promise<void> {
    const { online, limits } = this.#parts;
    const frame = frameOf(request, operation, token);
    checkContentType(request, operation);
    const bodyLimit = deviceBodyLimit[operation];
    if (Number(request.headers['content-length'] ?? 0) > bodyLimit) throw tooLarge(bodyLimit);
    // The client may have gone while its token was verified.
    if (response.destroyed) return;
    const stream = openServiceStream(online, serviceId, limits.maxStreamsPerService);
    const { meter } = visit;
    const clientId = user.subject;
    await exchange({ request, response, stream, serviceId, clientId, frame, bodyLimit, meter, limits });
  }
}

/** @throws GatehouseError `http_header_missing` */
function frameOf(
  request: IncomingMessage,
  operation: OperationRoute['operation'],
  token: string,
): DeviceRequestFrame {
  if (operation === 'start') return { v: 1, operation, token, device: deviceOf(request) };
  if (operation === 'request') return { v: 1, operation, token, sessionId: sessionOf(request) };
  return { v: 1, operation, token };
}

function checkMethod(request: IncomingMessage, response: ServerResponse, { method }: ApiRoute): void {
  if (request.method === method) return;
  response.setHeader('allow', method);
  throw new HttpRefusal(405, 'usage', `This path takes ${method} alone.`);
}
