// The machine below the app: the one Chromium of this process, started before the app is ready.
import { join } from 'node:path';
import { Cdp } from './cdp.ts';
import { options, userData } from './options.ts';

let running: Cdp | null = null;
/** DevTools port for the test. */
export let devToolsPort = 0;

export async function startChromium(): Promise<void> {
  const { cdp, port } = await Cdp.launch(options.chromium, join(userData, 'chromium'));
  running = cdp;
  devToolsPort = port;
}

export async function stopChromium(): Promise<void> {
  await running?.close();
}

export function chromium(): Cdp {
  if (running === null) throw new Error('The app makes a window before it is ready.');
  return running;
}
