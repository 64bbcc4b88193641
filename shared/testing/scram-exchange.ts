// Runs one SCRAM exchange between our two state machines, with somebody in the middle who may change words.
// For tests alone.
import { ScramClient } from '../e2ee/scram/client.ts';
import { SCRAM_ISSUED, deriveScramKeys } from '../e2ee/scram/keys.ts';
import { ScramServer, type ScramAccepted, type ScramCredential } from '../e2ee/scram/server.ts';

export const scramMessages = ['clientFirst', 'serverFirst', 'clientFinal', 'serverFinal'] as const;
export type ScramMessage = (typeof scramMessages)[number];

export const testToken = { id: 'abcdefgh2345', secret: 'Zx9-_Zx9-_Zx9-_Zx9-_Zx9-_Zx9-_Zx9-_Zx9-_qwA' };
export const testBinding = Buffer.from(Array.from({ length: 32 }, (_, index) => 32 + index));
export const testFakeSaltKey = Buffer.alloc(32, 0xfa);

const salt = Buffer.from(Array.from({ length: SCRAM_ISSUED.saltBytes }, (_, index) => index));
export const testCredential: ScramCredential = {
  salt,
  iterations: SCRAM_ISSUED.iterations,
  ...deriveScramKeys(testToken.secret, salt, SCRAM_ISSUED.iterations),
};

export interface ScramParties {
  readonly client: ScramClient;
  readonly server: ScramServer;
}

/** A client and a server that would verify each other, but for `changes`. */
export function scramParties(
  changes: { readonly client?: object; readonly server?: object } = {},
): ScramParties {
  const client = new ScramClient({ ...testToken, channelBinding: testBinding, ...changes.client });
  const server = new ScramServer({
    lookup: (id) => (id === testToken.id ? testCredential : null),
    channelBinding: testBinding,
    fakeSaltKey: testFakeSaltKey,
    ...changes.server,
  });
  return { client, server };
}

/** Passes the messages along, each through `relay`. Throws what the first to notice throws. */
export async function runScram(
  { client, server }: ScramParties,
  relay: (name: ScramMessage, message: string) => string = (_name, message) => message,
): Promise<ScramAccepted> {
  const serverFirst = server.first(relay('clientFirst', client.first()));
  const clientFinal = await client.final(relay('serverFirst', serverFirst));
  const accepted = server.final(relay('clientFinal', clientFinal));
  client.verify(relay('serverFinal', accepted.message));
  return accepted;
}
