// `POST /session/verify`: SCRAM-SHA-256-PLUS bound to the TLS connection that carries it (RFC 5802, 7677,
// 9266). Its success sets the state of that connection's session, and of no other.
import { asGatehouseError, GatehouseError } from '../../../shared/contracts/errors.ts';
import { MAX_SCRAM_MESSAGE } from '../../../shared/e2ee/scram/messages.ts';
import { ScramServer } from '../../../shared/e2ee/scram/server.ts';
import type { ScramCredential } from '../../../shared/e2ee/scram/server.ts';
import { readBody } from './body.ts';
import { respondError, scramType } from './exchange.ts';
import type { Exchange } from './exchange.ts';
import type { FailureDelays } from './failure-delays.ts';
import type { EndpointSession } from './session.ts';

export const verifyPath = '/session/verify';

/** An access token that may be used now. */
export interface UsableToken {
  readonly remoteUser: string;
  readonly scram: ScramCredential;
}

export interface VerifierOptions {
  /** The usable token of this id; null for unknown, expired and revoked ones alike. */
  readonly find: (tokenId: string) => UsableToken | null;
  readonly fakeSaltKey: Uint8Array;
  readonly delays: FailureDelays;
  /** A failed exchange, for the log. `tokenId` is what the client claimed. */
  readonly onFailure: (session: EndpointSession, error: GatehouseError, tokenId: string | null) => void;
}

export class Verifier {
  readonly #options: VerifierOptions;
  readonly #exchanges = new WeakMap<EndpointSession, ScramServer>();

  constructor(options: VerifierOptions) {
    this.#options = options;
  }

  /** Answers one of the two messages. `binding` is the session's own tls-exporter value. */
  async handle(exchange: Exchange, session: EndpointSession, binding: () => Uint8Array): Promise<void> {
    try {
      const message = (await readBody(exchange, MAX_SCRAM_MESSAGE)).toString('utf8');
      exchange.respond(200, scramType, Buffer.from(this.#step(session, message, binding)));
    } catch (error) {
      await this.#fail(exchange, session, asGatehouseError(error));
    }
  }

  #step(session: EndpointSession, message: string, binding: () => Uint8Array): string {
    const open = this.#exchanges.get(session);
    if (session.sessionVerified) {
      throw new GatehouseError('verification_failed', 'This session has been verified already.');
    }
    if (open === undefined) {
      const scram = new ScramServer({
        lookup: (id) => this.#options.find(id)?.scram ?? null,
        channelBinding: binding(),
        fakeSaltKey: this.#options.fakeSaltKey,
      });
      this.#exchanges.set(session, scram);
      session.verificationStarted();
      return scram.first(message);
    }
    const { id, message: answer } = open.final(message);
    const token = this.#options.find(id);
    // Revoked or expired between the two messages: the lookup of the first one no longer counts.
    if (token === null)
      throw new GatehouseError('access_token_rejected', 'This access token is not accepted.');
    this.#exchanges.delete(session);
    session.verify({ tokenId: id, remoteUser: token.remoteUser });
    return answer;
  }

  async #fail(exchange: Exchange, session: EndpointSession, error: GatehouseError): Promise<void> {
    const tokenId = this.#exchanges.get(session)?.claimedId ?? null;
    this.#exchanges.delete(session);
    this.#options.onFailure(session, error, tokenId);
    const waited = await this.#options.delays.failed(session.facts.clientId);
    if (waited) respondError(exchange, error);
    else {
      const message = 'Too many failed verifications are under way for this client. Try again later.';
      respondError(exchange, new GatehouseError('too_many_attempts', message));
    }
  }
}
