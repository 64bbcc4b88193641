// What the document RPCs have in common: who may call them, arguments, and errors. Must never answer a caller whom the
// service itself has not verified: the relay can open a session too.
import * as v from 'valibot';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { Documents } from '../documents/documents.ts';
import type { Recipient } from '../documents/fetch-log.ts';
import { badRequest } from './rpc.ts';
import type { Rpc, RpcAnswer, RpcCall } from './rpc.ts';

/** A call that has passed. */
export interface DocumentsCall<Args> {
  readonly args: Args;
  readonly documents: Documents;
  readonly recipient: Recipient;
  readonly call: RpcCall;
}

export interface DocumentsRpc<Schema extends v.GenericSchema> {
  readonly name: `documents.${string}`;
  readonly takesStream: boolean;
  readonly idempotent: boolean;
  readonly neverCaptured?: boolean;
  readonly schema: Schema;
  /** What it takes, for a person. */
  readonly takes: string;
  readonly run: (call: DocumentsCall<v.InferOutput<Schema>>) => Promise<RpcAnswer>;
}

export function documentsRpc<Schema extends v.GenericSchema>(rpc: DocumentsRpc<Schema>): Rpc {
  return {
    name: rpc.name,
    takesStream: rpc.takesStream,
    idempotent: rpc.idempotent,
    neverCaptured: rpc.neverCaptured === true,
    run: async (call) => {
      const recipient = recipientOf(call);
      const { documents } = call.context;
      if (documents === undefined) throw new GatehouseError('rpc_unknown', 'This service has no documents.');
      const parsed = v.safeParse(rpc.schema, call.args ?? {});
      if (!parsed.success) throw badRequest(`${rpc.name} takes ${rpc.takes}.`);
      try {
        return await rpc.run({ args: parsed.output, documents, recipient, call });
      } catch (error) {
        throw withoutPaths(error);
      }
    },
  };
}

/** @throws GatehouseError `e2ee_required`, `access_token_required` */
function recipientOf({ context: { caller } }: RpcCall): Recipient {
  const { kind, user, deviceId, deviceName } = caller;
  if (kind === 'plain') {
    const message = 'Documents are answered through end-to-end encryption only, whatever the settings say.';
    throw new GatehouseError('e2ee_required', message);
  }
  if (user === null) {
    const message =
      "Documents are for verified sessions only. Get an access token from the service's administrator and pass it together with the fingerprint.";
    throw new GatehouseError('access_token_required', message);
  }
  return { user, via: kind, deviceId, deviceName };
}

/** Where things are on the premises is nobody's business outside. */
function withoutPaths(error: unknown): unknown {
  if (!(error instanceof GatehouseError) || error.details.path === undefined) return error;
  const system = error.details.systemCode === undefined ? '' : ` (${String(error.details.systemCode)})`;
  const message = `The service cannot read or write its files${system}. Tell its administrator.`;
  return new GatehouseError(error.code, message, { cause: error });
}
