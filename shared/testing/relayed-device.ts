// A registered device in session with a scripted agent, through a relay that the test is: for the tests of what a hostile
// relay can do. Test code: nothing that ships may import it.
import { GatehouseError, type ErrorCode } from '../contracts/errors.ts';
import { Device, type DeviceKey, type Session } from '../device/index.ts';
import { FakeClock } from './fake-clock.ts';
import {
  ScriptedAgent,
  serviceId,
  tokens,
  type RelayCall,
  type ScriptedAgentOptions,
} from './scripted-agent.ts';

export interface RelayedDevice {
  readonly agent: ScriptedAgent;
  readonly device: Device;
  readonly key: DeviceKey;
  readonly session: Session;
  readonly clock: FakeClock;
}

/** `read` is idempotent for the agent, nothing else is. */
export async function relayedDevice(options: ScriptedAgentOptions = {}): Promise<RelayedDevice> {
  const clock = new FakeClock();
  const agent = await ScriptedAgent.create({ clock, idempotent: ['read'], ...options });
  const device = new Device(tokens, { relay: 'https://relay.example', serviceId, fetch: agent.fetch, clock });
  await device.loadAgentInfo();
  const key = await device.registerAs('Tests');
  return { agent, device, key, session: await device.login(key), clock };
}

/** The code that a call ends with. */
export async function codeOf(outcome: Promise<unknown>): Promise<ErrorCode | 'none'> {
  try {
    await outcome;
    return 'none';
  } catch (error) {
    return error instanceof GatehouseError ? error.code : 'internal';
  }
}

/** The requests that the relay has seen, first to last. */
export function requestsOf(agent: ScriptedAgent): RelayCall[] {
  return agent.calls.filter(({ operation }) => operation === 'requests');
}
