// Proves an access token to the service and has the service prove it in return, within one TLS connection:
// SCRAM-SHA-256-PLUS with tls-exporter (RFC 5802, 7677, 9266) over `POST /session/verify`.
// Must never send the token, nor take a session for verified before the service's own proof has been checked.
import { GatehouseError } from '../contracts/errors.ts';
import type { AccessToken } from '../e2ee/access-token.ts';
import { ScramClient } from '../e2ee/scram/client.ts';
import type { Connection } from './connection.ts';
import { callWhole } from './whole-exchange.ts';

const path = '/session/verify';
const scramType = 'text/plain';
/** One SCRAM message, in bytes. */
const maxMessageLength = 4096;
const headers = { 'content-type': 'text/plain; charset=utf-8' };
/** Not a request of the caller's: on no list. */
const unmetered = { countRead: () => undefined, countWritten: () => undefined };

export interface VerificationOptions {
  readonly connection: Connection;
  /** Of the TLS connection that `connection` runs in. */
  readonly channelBinding: Uint8Array;
  readonly token: AccessToken;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Returns only where both proofs were good. @throws GatehouseError `access_token_rejected`,
 * `service_not_verified`, `verification_failed`, `too_many_attempts`, or why the connection failed
 */
export async function verifySession(options: VerificationOptions): Promise<void> {
  const { connection, channelBinding, token, timeoutMs, signal } = options;
  const scram = new ScramClient({ id: token.id, secret: token.secret, channelBinding });
  const exchange = async (message: string): Promise<string> => {
    const body = Buffer.from(message, 'utf8');
    const request = {
      path,
      headers,
      body,
      expects: scramType,
      maxLength: maxMessageLength,
      timeoutMs,
      signal,
    };
    return (await callWhole(connection, request, unmetered)).toString('utf8');
  };
  const serverFirst = await exchange(scram.first());
  const serverFinal = await exchange(await scram.final(serverFirst));
  scram.verify(serverFinal);
  if (!scram.verified) throw new GatehouseError('service_not_verified', 'The service gave no proof.');
}
