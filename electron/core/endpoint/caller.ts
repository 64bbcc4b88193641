// Who calls, as an RPC's handler is told. Must never pass on the relay's word: what nobody verified is nobody.
import type { Caller } from '../rpc/rpc.ts';
import type { EndpointSession } from './session.ts';

export function callerOf({ facts, verification }: EndpointSession): Caller {
  const { device } = facts;
  if (device !== undefined) {
    const { subject, deviceId, deviceName } = device;
    return { kind: 'device', user: subject, deviceId, deviceName };
  }
  const user = verification?.remoteUser ?? null;
  return { kind: facts.tls === null ? 'plain' : 'tls', user, deviceId: null, deviceName: null };
}
