// The bench's client as a page of Chromium has it, for a `BarePage` to call. Bundled by build/device-page.mjs.
import { BenchClient, type DeviceClient, type Entrance } from './device-client.ts';

let client: BenchClient | null = null;
let token = '';

/** A token may end sooner than the bench does, so a good one is handed in before each measure. */
function useToken(current: string): void {
  token = current;
}

async function enter(entrance: Entrance): Promise<void> {
  client = await BenchClient.enter({ token: () => Promise.resolve(token) }, entrance);
}

function entered(): DeviceClient {
  if (client === null) throw new Error('Call enter() first.');
  return client;
}

const bench = {
  useToken,
  enter,
  load: (...args: Parameters<DeviceClient['load']>) => entered().load(...args),
  download: (...args: Parameters<DeviceClient['download']>) => entered().download(...args),
  start: (...args: Parameters<DeviceClient['start']>) => entered().start(...args),
};
export type BenchPage = typeof bench;

Object.assign(globalThis, { bench });
