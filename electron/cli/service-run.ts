// `gatehouse service`: a service in the foreground until a signal ends it.
import { startService } from '../core/app.ts';
import type { RunningService } from '../core/app.ts';
import type { RelayState } from '../core/endpoint/relay-link.ts';
import { isFirstStart } from '../core/secrets/service-secrets.ts';
import type { RelayChoice } from '../../shared/contracts/console/models.ts';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { formatFingerprintColons } from '../../shared/contracts/fingerprint.ts';
import { parseRelayUrl } from '../../shared/net/dial.ts';
import { runUntilSignal } from './lifecycle.ts';
import { startLocalRelay } from './local-relay.ts';
import type { LocalRelay } from './local-relay.ts';
import { makeLogger } from './logger.ts';
import { printNote, printResult } from './output.ts';
import { resolvePath } from './paths.ts';
import { readPasswordFileIfNamed, readSecretFile, readSuperadminPassword } from './password.ts';
import { readTextFile } from './text-file.ts';
import { serviceLines } from './service-lines.ts';
import type { RunOptions } from './service-options.ts';

/** Serves until SIGTERM or SIGINT. @throws GatehouseError of the start */
export async function runService(options: RunOptions): Promise<void> {
  if (options.console !== undefined) return runServiceWithConsole(options, options.console);
  if ((options.relay === undefined) === (options.localRelay !== true)) {
    throw new GatehouseError(
      'usage',
      'Say which relay to use: --relay URL, or --local-relay for one of its own.',
    );
  }
  const data = resolvePath(options.data);
  const superadminPassword = await readSuperadminPassword(options, await isFirstStart(data));
  const local = options.localRelay === true ? await startLocalRelay({ ...options, data }) : null;
  try {
    const service = await startService({
      ...(await relayOf(options, local)),
      dataFolder: data,
      superadminPassword,
      logger: makeLogger(options.logLevel),
      ...(options.directPort === undefined ? {} : { directPort: Number(options.directPort) }),
      onRelayState: relayReporter(options),
      onFingerprint: (sha256) => {
        if (options.json === true) printResult({ event: 'fingerprint', fingerprint: sha256 }, [], options);
        else printNote(`A new certificate is in use. Its fingerprint: ${formatFingerprintColons(sha256)}`);
      },
    });
    const stopped = runUntilSignal(service, options);
    // Whoever reads the ready line may call at once; a relay that is out of reach holds it up no longer than one try.
    if ((await service.relayTried).state !== 'stopped')
      announce(service, options, local?.url ?? parseRelayUrl(options.relay ?? '').origin);
    await stopped;
  } finally {
    await local?.stop();
  }
}

/** Without a password it waits for a person at the console. */
async function runServiceWithConsole(options: RunOptions, console: string | boolean): Promise<void> {
  if (options.relay !== undefined && options.localRelay === true) {
    throw new GatehouseError('usage', 'Say --relay URL or --local-relay, not both.');
  }
  const { runConsole } = await import('./console-run.ts');
  const { makeConsoleHost } = await import('./console-host.ts');
  const { listen, domain, directPort } = options;
  const run = {
    installation: {
      dataFolder: resolvePath(options.data),
      host: makeConsoleHost({ listen, domain, trial: false }),
      logger: makeLogger(options.logLevel),
      relay: await relayChoiceOf(options),
      directPort: directPort === undefined ? undefined : Number(directPort),
    },
    console,
    allowRemote: options.consoleAllowRemote === true,
    password: await readPasswordFileIfNamed(options),
    facts: {},
  };
  await runConsole(run, options);
}

/** Undefined where the command line names none: then the data folder does. */
async function relayChoiceOf(options: RunOptions): Promise<RelayChoice | undefined> {
  if (options.localRelay === true) return { kind: 'local' };
  if (options.relay === undefined) return undefined;
  const { relay, enrolmentToken, relayCa } = await relayOf(options, null);
  return { kind: 'url', url: relay.origin, enrolmentToken, ca: relayCa };
}

async function relayOf(
  options: RunOptions,
  local: LocalRelay | null,
): Promise<{ relay: URL; enrolmentToken?: string; relayCa?: string }> {
  if (local !== null) return { relay: new URL(local.url), enrolmentToken: local.enrolmentToken };
  const { relay = '', enrolmentTokenFile, relayCa } = options;
  return {
    relay: parseRelayUrl(relay),
    ...(enrolmentTokenFile === undefined ? {} : { enrolmentToken: await readSecretFile(enrolmentTokenFile) }),
    ...(relayCa === undefined ? {} : { relayCa: await readTextFile(relayCa) }),
  };
}

/** The ready line, or for a person: who this is and how to check it. */
function announce(service: RunningService, options: RunOptions, relay: string): void {
  const fingerprint = service.fingerprint;
  const { serviceId, directPort } = service;
  const ready = {
    event: 'ready',
    serviceId,
    fingerprint,
    relay,
    ...(directPort === null ? {} : { directPort }),
  };
  printResult(ready, serviceLines(service, relay), options);
}

/** Tells a person when the relay is reached and lost; silent with --json. */
function relayReporter(options: RunOptions): (state: RelayState) => void {
  return (state) => {
    if (options.json === true) return;
    if (state.state === 'online')
      printNote(`Connected to the relay; it calls its domain ${state.domainName}.`);
    if (state.state === 'offline') {
      const seconds = (state.retryInMs / 1000).toFixed(1);
      printNote(
        `Not connected to the relay: ${state.cause.message} [${state.cause.code}] Trying again in ${seconds} s.`,
      );
    }
  };
}
