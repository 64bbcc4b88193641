// The built-in relay as a program of its own: the desktop app runs it in a utility process. It makes its own tokens,
// is never open, and says in one line of JSON on stdout where it is. Must not import Electron.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { asGatehouseError } from '../../shared/contracts/errors.ts';
import { collectBuffersEarly } from '../../shared/net/garbage.ts';
import { parseListenAddress } from '../../shared/relay/address.ts';
import { startRelay } from '../../shared/relay/relay.ts';
import type { Relay } from '../../shared/relay/relay.ts';
import { RelayState } from '../../shared/relay/state/relay-state.ts';
import { ensurePrivateFolder, readFileIfThere, writeFileAtomic } from '../../shared/storage/atomic-file.ts';
import { makeLogger } from './logger.ts';
import { printNote } from './output.ts';

/** The service enrols at once; after that the token is of no use to anybody. In milliseconds. */
const enrolmentLifeMs = 10 * 60_000;
/** A file with the address that it had last: the service and its clients find it there again. */
const addressFile = 'local-relay-address';
const anyPort = '127.0.0.1:0';

async function run(serviceFolder: string): Promise<void> {
  const dataFolder = join(serviceFolder, 'relay');
  await ensurePrivateFolder(dataFolder);
  const state = await RelayState.open(dataFolder);
  const { token: enrolmentToken } = await state.enrolmentTokens.mint(enrolmentLifeMs);
  const clientTokenFile = await ensureClientToken(state, dataFolder);
  const relay = await startWhereItWas(dataFolder);
  stopOnSignal(relay);
  process.stdout.write(`${JSON.stringify({ url: relay.url, enrolmentToken, clientTokenFile })}\n`);
}

/** A relay token for the person at this machine, good for this relay alone. */
async function ensureClientToken(state: RelayState, dataFolder: string): Promise<string> {
  const path = join(dataFolder, 'client-token');
  if ((await readFileIfThere(path)) === null) {
    const { token } = await state.clientTokens.mint('this-machine', null);
    await writeFileAtomic(path, `${token}\n`);
  }
  return path;
}

async function startWhereItWas(dataFolder: string): Promise<Relay> {
  const path = join(dataFolder, addressFile);
  const last = (await readFileIfThere(path))?.toString('utf8') ?? anyPort;
  const start = (listen: string): Promise<Relay> =>
    startRelay({
      listen: parseListenAddress(listen),
      dataFolder,
      domain: 'LOCAL',
      logger: makeLogger('warn'),
    });
  const relay = await start(last).catch((error: unknown) => {
    if (last === anyPort) throw error;
    return start(anyPort);
  });
  await writeFileAtomic(path, new URL(relay.url).host);
  return relay;
}

function stopOnSignal(relay: Relay): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      const end = (): never => process.exit();
      relay.stop().then(end, end);
    });
  }
}

collectBuffersEarly();
const { data } = parseArgs({ options: { data: { type: 'string' } } }).values;
run(data ?? '.').catch((error: unknown) => {
  const { code, message } = asGatehouseError(error);
  printNote(`gatehouse relay: ${message} [${code}]`);
  process.exit(1);
});
