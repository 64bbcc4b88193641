// The service's side of `/session/verify` for the scripted service, which can forge what it answers.
// Must never serve outside tests.
import { deriveScramKeys } from '../e2ee/scram/keys.ts';
import { ScramServer } from '../e2ee/scram/server.ts';

export interface VerificationScript {
  /** The one access token that is accepted. */
  readonly token?: { readonly id: string; readonly secret: string };
  /** Alters what `/session/verify` answers. */
  readonly tamperScram?: (step: 'first' | 'final', message: string) => string;
}

const fakeSaltKey = Buffer.alloc(32, 7);
const salt = Buffer.alloc(16, 9);
const iterations = 4096;

/** The verification of one TLS connection. */
export class ScriptedVerification {
  verified = false;
  readonly #script: VerificationScript;
  readonly #scram: ScramServer;
  #begun = false;

  constructor(script: VerificationScript, binding: Buffer) {
    this.#script = script;
    const lookup = (id: string) => {
      if (id !== script.token?.id) return null;
      return { ...deriveScramKeys(script.token.secret, salt, iterations), salt, iterations };
    };
    this.#scram = new ScramServer({ lookup, channelBinding: binding, fakeSaltKey });
  }

  step(message: string, verified: string[]): string {
    const tamper = this.#script.tamperScram ?? ((_step, text) => text);
    if (!this.#begun) {
      this.#begun = true;
      return tamper('first', this.#scram.first(message));
    }
    const { id, message: final } = this.#scram.final(message);
    this.verified = true;
    verified.push(id);
    return tamper('final', final);
  }
}
