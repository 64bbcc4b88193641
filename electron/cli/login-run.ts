// The work of `gatehouse login` and `gatehouse logout`. Tokens are kept in a file that only its owner can read, and go to
// the relay and the issuer alone: never into an argument, a log or what is printed.
import { spawn } from 'node:child_process';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { SignIn, ssoLogin } from '../../shared/client/index.ts';
import type { DeviceCode } from '../../shared/client/index.ts';
import { printable } from '../../shared/client/printable.ts';
import { parseRelayUrl } from '../../shared/net/dial.ts';
import type { LoginFlags, LogoutFlags } from './login-command.ts';
import { printNote, printResult } from './output.ts';
import type { OutputOptions } from './output.ts';
import { defaultFolder } from './paths.ts';

/** @throws GatehouseError `usage`, `oidc_login_failed`, `timeout`, `cancelled`, `storage_failed` */
export async function runLogin(flags: LoginFlags): Promise<void> {
  const { relay, deviceCode } = flags;
  parseRelayUrl(relay);
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort();
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  try {
    const tokens = await ssoLogin({
      ...flags,
      signal: interrupt.signal,
      openBrowser: (url) => showBrowser(url, flags),
      onDeviceCode: deviceCode === true ? (code) => showCode(code, flags) : undefined,
    });
    const kept = await SignIn.keep(defaultFolder('client'), relay, flags, tokens);
    const { subject, issuer } = kept;
    const line = `Signed in at ${issuer} as ${printable(subject)}, for ${kept.relay}.`;
    printResult({ event: 'signed_in', issuer, subject, relay: kept.relay }, [line], flags);
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

/** @throws GatehouseError `usage`, `oidc_login_failed` where nobody has signed in, `storage_failed` */
export async function runLogout(flags: LogoutFlags): Promise<void> {
  const kept = await SignIn.open(defaultFolder('client'), flags.relay);
  if (kept === null) throw new GatehouseError('oidc_login_failed', 'Nobody is signed in for this relay.');
  const { issuer, subject } = kept;
  const revoked = await kept.end();
  const more = revoked ? '' : ' The issuer could not be told: its tokens end by themselves.';
  printResult(
    { event: 'signed_out', issuer, subject, revoked },
    [`Signed out ${printable(subject)} of ${issuer}.${more}`],
    flags,
  );
}

function showBrowser(url: string, output: OutputOptions): void {
  if (output.json === true) printResult({ event: 'browser', url }, [], output);
  else
    printNote(
      `Sign in in your browser. Where it does not open by itself, open this address on this machine:\n\n  ${url}\n`,
    );
  openSystemBrowser(url);
}

function showCode(
  { verificationUri, verificationUriComplete, userCode }: DeviceCode,
  output: OutputOptions,
): void {
  const [uri, code] = [printable(verificationUri), printable(userCode)];
  if (output.json === true) {
    printResult({ event: 'device_code', verificationUri, verificationUriComplete, userCode }, [], output);
  } else printNote(`Open ${uri} on any machine, and enter the code\n\n  ${code}\n`);
}

/** Without a shell, and only where there is a display: the address has been printed. */
function openSystemBrowser(url: string): void {
  const { platform, env } = process;
  if (platform === 'linux' && (env.DISPLAY ?? env.WAYLAND_DISPLAY) === undefined) return;
  const [file, ...args] = openers[platform] ?? ['xdg-open'];
  const child = spawn(file ?? 'xdg-open', [...args, url], { stdio: 'ignore', detached: true });
  child.on('error', () => undefined);
  child.unref();
}

const openers: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};
