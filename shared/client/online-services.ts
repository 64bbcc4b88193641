// Asks a relay which services are online that its token may reach: `GET /v1/services`. The relay's word.
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import * as v from 'valibot';
import { GatehouseError } from '../contracts/errors.ts';
import { relayPaths } from '../net/opening.ts';
import { checkTimeouts } from './limits.ts';
import { checkRelayAccess } from './login.ts';
import type { RelayOptions } from './login.ts';
import { errorOfRelayAnswer } from './peer-errors.ts';
import { printable } from './printable.ts';
import { authorizationFor } from './relay-connection.ts';
import type { RelayAccess } from './relay-connection.ts';

/** The whole answer, in bytes: some 50,000 services. */
const maxAnswerLength = 4 * 1024 * 1024;

const text = v.pipe(v.string(), v.maxLength(256), v.transform(printable));
const answerSchema = v.object({
  domain: text,
  services: v.array(v.object({ serviceId: text, since: text })),
});

export interface OnlineService {
  readonly serviceId: string;
  /** When it connected, in ISO 8601. */
  readonly since: string;
}

export interface OnlineServices {
  readonly domain: string;
  readonly services: readonly OnlineService[];
}

/** @throws GatehouseError `usage`, `relay_unreachable`, `not_authorised`, `relay_protocol` */
export async function listOnlineServices(options: RelayOptions): Promise<OnlineServices> {
  const access = checkRelayAccess(options);
  const { status, body } = await get(access, await authorizationFor(access));
  if (status !== 200) throw errorOfRelayAnswer(status, body);
  const parsed = v.safeParse(answerSchema, parseJson(body));
  if (parsed.success) return parsed.output;
  throw new GatehouseError('relay_protocol', 'The relay answered in a form that this version does not know.');
}

function get(
  { url, ca }: RelayAccess,
  headers: Record<string, string>,
): Promise<{ status: number; body: Buffer }> {
  const target = new URL(relayPaths.services, url.href.replace(/^ws/, 'http'));
  const start = target.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const fail = (cause: Error): void => {
      const message = `The relay ${url.origin} cannot be reached. Check the URL, that the relay runs, and the way to it.`;
      reject(
        cause instanceof GatehouseError ? cause : new GatehouseError('relay_unreachable', message, { cause }),
      );
    };
    const request = start(target, {
      agent: false,
      headers,
      signal: AbortSignal.timeout(checkTimeouts().connectMs),
      ...(ca === null ? {} : { ca }),
    });
    request.on('error', fail);
    request.on('response', (response) => {
      read(response).then((body) => {
        resolve({ status: response.statusCode ?? 0, body });
      }, fail);
    });
    request.end();
  });
}

async function read(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxAnswerLength)
      throw new GatehouseError('relay_protocol', "The relay's answer is larger than 4 MiB.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    return null;
  }
}
