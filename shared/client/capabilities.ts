// Asks a session for `capabilities`, and holds what was said outside TLS against what is said inside it.
// Outside TLS every word of it may be the relay's: it decides nothing there but whether to try E2EE.
import * as v from 'valibot';
import { capabilitiesSchema, protocolVersion } from '../contracts/capabilities.ts';
import type { Capabilities } from '../contracts/capabilities.ts';
import { GatehouseError } from '../contracts/errors.ts';
import { callRpc, prepareCall } from './rpc.ts';
import type { RecordRequest } from './rpc.ts';
import type { Session } from './session.ts';

/** The one RPC that every session answers. */
export const openRpc = 'capabilities';

/** @throws GatehouseError `rpc_failed`, `version_unsupported`, or as `callRpc` does */
export async function askCapabilities(
  session: Session,
  timeoutMs: number,
  record: RecordRequest,
  signal?: AbortSignal,
): Promise<Capabilities> {
  const call = prepareCall(openRpc, undefined, { signal }, timeoutMs);
  const parsed = v.safeParse(capabilitiesSchema, await callRpc(session, call, record));
  if (!parsed.success) {
    const message =
      'The service answered capabilities in a form that this version does not know. Update this client.';
    throw new GatehouseError('rpc_failed', message);
  }
  if (parsed.output.versions.includes(protocolVersion)) return parsed.output;
  const spoken = parsed.output.versions.join(', ');
  const message = `This client speaks protocol version ${protocolVersion}, the service ${spoken}. Update the older one.`;
  throw new GatehouseError('version_unsupported', message);
}

/** @throws GatehouseError `downgrade_detected` where the two differ */
export function checkSameCapabilities(outside: Capabilities, inside: Capabilities): void {
  // Both come from the one schema, which drops unknown keys and puts the known ones in its own order.
  if (JSON.stringify(outside) === JSON.stringify(inside)) return;
  throw new GatehouseError(
    'downgrade_detected',
    'What was said about the service outside encryption differs from what the service itself says. Either its ' +
      'settings were changed at this very moment (then trying again helps), or the relay has altered the answer.',
  );
}
