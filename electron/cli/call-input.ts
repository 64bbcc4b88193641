// What `gatehouse call` is given, read and checked: secrets from files, arguments from the command line or stdin.
// Must never put the content of a file, or of stdin, into an error.
import type { Readable } from 'node:stream';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import type { LoginOptions, RelayOptions, ServiceCredentials } from '../../shared/client/index.ts';
import { SignIn } from '../../shared/client/index.ts';
import { parseCredentials } from '../../shared/client/credentials.ts';
import { assertPrivate } from '../../shared/storage/private-file.ts';
import type { CallCommandOptions, RelayCommandOptions } from './call-options.ts';
import { defaultFolder, resolvePath } from './paths.ts';
import { readTextFile } from './text-file.ts';

/** JSON arguments from stdin, in bytes. */
const maxStdinLength = 1024 * 1024;

/** Without a relay token, the sign-in of `gatehouse login` where there is one. @throws GatehouseError `file_too_open`, `storage_failed` */
export async function readRelayAccess(options: RelayCommandOptions): Promise<RelayOptions> {
  const { relay, relayTokenFile, ca } = options;
  const signedIn = relayTokenFile === undefined ? await SignIn.open(defaultFolder('client'), relay) : null;
  return {
    relay,
    relayToken: relayTokenFile === undefined ? undefined : await readSecret(relayTokenFile),
    oidc: signedIn ?? undefined,
    ca: ca === undefined ? undefined : await readTextFile(ca),
  };
}

/** @throws GatehouseError `usage`, and as `readRelayAccess` */
export async function readLoginOptions(
  options: CallCommandOptions,
  onWarning: (message: string) => void,
): Promise<LoginOptions> {
  const timeoutMs = parseSeconds(options.timeout ?? '30');
  return {
    ...(await readRelayAccess(options)),
    useE2eeDefault: options.e2ee,
    useH2WhenAvailable: options.h2,
    stateFolder: defaultFolder('client'),
    onWarning,
    timeouts: { callMs: timeoutMs },
  };
}

/**
 * Checked here, because logging in already dials. @throws GatehouseError `fingerprint_required` (whatever is in the
 * token's file), `fingerprint_invalid`, `access_token_malformed`, `file_too_open`, `storage_failed`
 */
export async function readCredentials(options: CallCommandOptions): Promise<ServiceCredentials> {
  const { fingerprint: e2eeFingerprint, accessTokenFile } = options;
  if (accessTokenFile !== undefined && e2eeFingerprint === undefined) parseCredentials({ accessToken: '' });
  const accessToken = accessTokenFile === undefined ? undefined : await readSecret(accessTokenFile);
  const credentials = { e2eeFingerprint, accessToken };
  parseCredentials(credentials);
  return credentials;
}

/** Undefined where there are no arguments. @throws GatehouseError `usage` */
export async function readArguments(text: string | undefined, stdin: Readable): Promise<unknown> {
  if (text === undefined) return undefined;
  const json = text === '-' ? await readBounded(stdin) : text;
  try {
    return json.trim() === '' ? undefined : (JSON.parse(json) as unknown);
  } catch {
    throw new GatehouseError(
      'usage',
      'The arguments are no JSON. Quote them for the shell, as in \'{"echo":"hi"}\'.',
    );
  }
}

async function readSecret(path: string): Promise<string> {
  await assertPrivate(resolvePath(path));
  return (await readTextFile(path)).trim();
}

async function readBounded(stdin: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stdin as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxStdinLength)
      throw new GatehouseError('usage', 'The arguments on stdin have more than 1 MiB.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= 0.001 && seconds <= 3600) return Math.round(seconds * 1000);
  throw new GatehouseError('usage', '--timeout is a number of seconds, from 0.001 to 3600.');
}
