// A client that does as a test says at each layer: streams through a relay, TLS with any options, HTTP/1.1 by hand,
// and session verification word by word. What it checks, the test checks.
// Must never serve outside tests: it trusts any certificate.
import type { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { defaultTimeouts } from '../client/limits.ts';
import { RelayConnection } from '../client/relay-connection.ts';
import { parseAccessToken } from '../e2ee/access-token.ts';
import { ScramClient } from '../e2ee/scram/client.ts';
import { channelBinding } from '../e2ee/tunnel.ts';

export class RawClient {
  readonly #relay: RelayConnection;
  readonly #duplexes = new Set<Duplex>();

  constructor(url: string, relayToken: string | null = null) {
    this.#relay = new RelayConnection(
      { url: new URL(url), relayToken, oidc: null, ca: null },
      defaultTimeouts,
    );
  }

  /** A stream to the service, past its answer. @throws GatehouseError what it was refused with */
  async open(kind: 'e2ee' | 'plain', serviceId: string): Promise<Duplex> {
    const { duplex } = await this.#relay.openStream(kind, serviceId);
    this.#duplexes.add(duplex.on('error', () => undefined));
    return duplex;
  }

  /** TLS in a stream; resolves when the handshake is done. @throws Error as TLS ends it */
  async openTls(serviceId: string, options: ConnectionOptions = {}): Promise<TLSSocket> {
    const duplex = await this.open('e2ee', serviceId);
    if (duplex.destroyed) throw new Error('The stream was closed before the handshake.');
    const socket = connect({
      socket: duplex,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
      ...options,
    });
    this.#duplexes.add(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', () => resolve());
      socket.on('error', reject);
      socket.once('close', () => reject(new Error('The stream was closed during the handshake.')));
    });
    return socket;
  }

  async close(): Promise<void> {
    for (const duplex of this.#duplexes) duplex.destroy();
    await this.#relay.close();
  }
}

export interface RawAnswer {
  readonly status: number;
  readonly body: string;
}

/** One HTTP/1.1 request on a connection, and its answer. @throws Error where the connection ends first */
export async function post(
  connection: Duplex,
  path: string,
  body: string,
  more: string[] = [],
): Promise<RawAnswer> {
  const length = `content-length: ${Buffer.byteLength(body)}`;
  const answer = readAnswer(connection);
  connection.write(`${[`POST ${path} HTTP/1.1`, 'host: x', length, ...more].join('\r\n')}\r\n\r\n${body}`);
  return answer;
}

/** The next answer that has a content-length. @throws Error where the connection ends first */
export function readAnswer(connection: Duplex): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    let text = '';
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      const [head = '', ...rest] = text.split('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? NaN);
      const body = rest.join('\r\n\r\n');
      if (rest.length === 0 || !(body.length >= length)) return;
      stop();
      resolve({ status: Number(head.split(' ')[1]), body: body.slice(0, length) });
    };
    const onClose = (): void => {
      stop();
      reject(new Error(`The connection ended in the place of an answer, after ${text.length} characters.`));
    };
    const stop = (): void => {
      connection.off('data', onData).off('close', onClose).off('end', onClose);
    };
    connection.on('data', onData).on('close', onClose).on('end', onClose);
    if (connection.destroyed) onClose();
  });
}

export interface Verification {
  /** What the service answered to the proof. */
  readonly answer: RawAnswer;
  /** What the client made of it: null where it took the service for verified. */
  readonly verdict: unknown;
}

const path = '/session/verify';

/** Runs SCRAM over HTTP/1.1 in `socket` as our client does, and goes on whatever the service answers. */
export async function verifyBy(socket: TLSSocket, accessToken: string): Promise<Verification> {
  const { id, secret } = parseAccessToken(accessToken);
  const scram = new ScramClient({ id, secret, channelBinding: channelBinding(socket) });
  const first = await post(socket, path, scram.first());
  const answer = await post(socket, path, await scram.final(first.body));
  try {
    scram.verify(answer.body);
    return { answer, verdict: null };
  } catch (error) {
    return { answer, verdict: error };
  }
}
