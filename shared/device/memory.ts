// Gives the memory of what was decrypted back at once. A browser leaves an ArrayBuffer to its garbage collector, which
// frees hundreds of chunks together and returns their pages to the system, so that each new chunk is written into pages
// that have to be mapped first: in Chromium that costs more than decrypting. A buffer is freed early by transferring it,
// and what is posted to a port whose other end is closed goes nowhere (HTML, "message port post message steps").
// Nobody may depend on it: where a platform does not free, or does not even detach, collecting does it later.
import type { Bytes } from './bytes.ts';

type Port = InstanceType<typeof MessageChannel>['port1'];

let nowhere: Port | null = null;

/** `bytes`, and all that lies in the same buffer, are empty from now on. What has been passed on already stays where it is. */
export function giveBack({ buffer }: Bytes): void {
  if (buffer.byteLength === 0) return;
  nowhere ??= portToNobody();
  nowhere.postMessage(null, [buffer]);
}

function portToNobody(): Port {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  return port1;
}
