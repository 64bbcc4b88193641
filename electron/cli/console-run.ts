// Runs a service behind its console in a browser until a signal comes: locked or waiting for its first run where no
// password was given, serving where one was.
import { fileURLToPath } from 'node:url';
import type { RelayChoice } from '../../shared/contracts/console/models.ts';
import { formatFingerprintColons } from '../../shared/contracts/fingerprint.ts';
import { callLine } from '../core/api/call-line.ts';
import { Installation } from '../core/installation.ts';
import type { InstallationOptions } from '../core/installation.ts';
import { startHeadlessConsole } from '../headless/headless-console.ts';
import type { HeadlessConsole } from '../headless/headless-console.ts';
import { defaultPort, parseConsoleAddress } from '../headless/listen-address.ts';
import { runUntilSignal } from './lifecycle.ts';
import { printNote, printResult } from './output.ts';
import type { OutputOptions } from './output.ts';
import { serviceLines } from './service-lines.ts';

export interface ConsoleRun {
  readonly installation: InstallationOptions;
  /** HOST:PORT, or true for the default one or the next free port. */
  readonly console: string | boolean;
  readonly allowRemote: boolean;
  /** Starts the service at once; null waits for a person. */
  readonly password: string | null;
  /** Told on the ready line beside what is always there. */
  readonly facts: Readonly<Record<string, string>>;
}

/** Serves until SIGTERM or SIGINT. @throws GatehouseError of the start */
export async function runConsole(run: ConsoleRun, output: OutputOptions): Promise<void> {
  const named = typeof run.console === 'string';
  const text = typeof run.console === 'string' ? run.console : `127.0.0.1:${defaultPort}`;
  const address = parseConsoleAddress(text, run.allowRemote);
  const { logger } = run.installation;
  const installation = await Installation.open(run.installation);
  let headless: HeadlessConsole | null = null;
  const stop = async (): Promise<void> => {
    await headless?.close();
    await installation.stop();
  };
  try {
    if (run.password !== null) await startWith(installation, run.password, run.installation.relay);
    const page = fileURLToPath(new URL('renderer/', import.meta.url));
    headless = await startHeadlessConsole({ installation, address, nextFreePort: !named, page, logger });
  } catch (error) {
    await stop().catch(() => undefined);
    throw error;
  }
  const stopped = runUntilSignal({ stop }, output);
  // Whoever reads the ready line may call at once; a relay that is out of reach holds it up no longer than one try.
  if (installation.serving) await installation.service.relayTried;
  announce(installation, headless, run, output);
  tellLater(installation, output);
  await stopped;
}

async function startWith(
  installation: Installation,
  password: string,
  relay: RelayChoice = { kind: 'local' },
): Promise<void> {
  if (installation.state.phase === 'first_run') {
    await installation.setup(password, relay, async () => undefined);
  } else await installation.start(await installation.openSecrets(password));
}

function announce(
  installation: Installation,
  { url, certificateSha256 }: HeadlessConsole,
  { facts }: ConsoleRun,
  output: OutputOptions,
): void {
  const state = installation.serving ? 'serving' : installation.state.phase;
  const ready = { event: 'ready', consoleUrl: url, consoleFingerprint: certificateSha256, state };
  printResult(
    { ...ready, ...servingFacts(installation), ...facts },
    [
      `Console      ${url}`,
      `             ${advice[state] ?? advice.locked}`,
      'Its own certificate (not the one that clients check); the browser asks once whether to trust it:',
      `             ${formatFingerprintColons(certificateSha256)}`,
      ...servingLines(installation),
    ],
    output,
  );
  if (output.json !== true) printNote('\nCtrl-C stops it.');
}

const advice: Readonly<Record<string, string>> = {
  first_run: 'Open it to set this service up. The key in it is good once, for 15 minutes.',
  locked: 'Open it and unlock the service with the superadmin password.',
  failed: 'The service does not start; the console says why.',
  serving: 'The service runs. Sign in with the superadmin password.',
};

function servingFacts(installation: Installation): Record<string, string> {
  if (!installation.serving) return {};
  const { serviceId, fingerprint } = installation.service;
  const relay = installation.relay.inUse?.url ?? '';
  return { serviceId, fingerprint, relay, call: callLine(installation) };
}

function servingLines(installation: Installation): readonly string[] {
  if (!installation.serving) return [];
  return [
    '',
    ...serviceLines(installation.service, installation.relay.inUse?.url ?? ''),
    '',
    'Call it from another terminal, in this folder:',
    '',
    `  ${callLine(installation)}`,
  ];
}

/** Tells when a person has unlocked it, and when it serves another certificate. */
function tellLater(installation: Installation, output: OutputOptions): void {
  installation.listen({
    onPhase: ({ phase }) => {
      if (phase !== 'serving') return;
      const lines = ['The service runs.', ...servingLines(installation)];
      printResult({ event: 'serving', ...servingFacts(installation) }, lines, output);
    },
    onFingerprint: (sha256) => {
      if (output.json === true) printResult({ event: 'fingerprint', fingerprint: sha256 }, [], output);
      else printNote(`A new certificate is in use. Its fingerprint: ${formatFingerprintColons(sha256)}`);
    },
  });
}
