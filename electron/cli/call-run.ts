// The work of `gatehouse call`: the result goes to stdout, and what a person should know of it to stderr.
// Must always say how the request was protected, and never call anything verified that was not.
import { once } from 'node:events';
import { Readable } from 'node:stream';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { login } from '../../shared/client/index.ts';
import type {
  Client,
  ClientRequest,
  E2EEInformation,
  Service,
  StreamOptions,
} from '../../shared/client/index.ts';
import { oncePrepared } from '../../shared/device/index.ts';
import type { CallCommandOptions } from './call-options.ts';
import { readArguments, readCredentials, readLoginOptions } from './call-input.ts';
import { notePreparing, printNote, printResult } from './output.ts';

export interface CallCommand {
  readonly serviceId: string;
  readonly rpc: string;
  /** As typed. */
  readonly args: string | undefined;
  readonly options: CallCommandOptions;
}

/** RPCs whose body, read from stdin, is octets and not JSON. */
const streamed: ReadonlySet<string> = new Set(['echo']);
/** Octets that are held for `--json`, in bytes. */
const maxHeldLength = 16 * 1024 * 1024;

/** @throws GatehouseError whose code decides the exit code */
export async function runCall(
  command: CallCommand,
  stdin: Readable = process.stdin,
  stdout: Writable = process.stdout,
): Promise<void> {
  const { options } = command;
  const credentials = await readCredentials(options);
  const loginOptions = await readLoginOptions(options, (message) => {
    printNote(`gatehouse: warning: ${message}`);
  });
  const isStreamed = command.args === '-' && streamed.has(command.rpc);
  const args = isStreamed ? undefined : await readArguments(command.args, stdin);
  const client = await login(loginOptions);
  const interrupted = cancelOnSignal(client);
  try {
    if (command.rpc === 'capabilities') {
      // Answers also where nothing else does without an access token.
      tell(await client.capabilities(command.serviceId, credentials), client.requests.at(-1), options);
      return;
    }
    const service = await client.serviceCloud(command.serviceId, credentials);
    const body = isStreamed ? stdin : bodyBeside(command.rpc, args, stdin);
    if (body === null) await call(service, command, args);
    else await stream(service, command, { body, args }, stdout);
  } finally {
    interrupted();
    await client.close();
  }
}

/** What goes as octets beside the arguments; null where nothing does. */
function bodyBeside(rpc: string, args: unknown, stdin: Readable): Readable | null {
  if (typeof args !== 'object' || args === null) return null;
  // The answer is octets too.
  if (rpc === 'documents.get' && 'inline' in args && args.inline === true) return Readable.from([]);
  return rpc === 'documents.put' && !('content' in args) ? stdin : null;
}

async function call(service: Service, { rpc, options }: CallCommand, args: unknown): Promise<void> {
  const answer = await oncePrepared(() => service.call(rpc, args), { onPreparing: notePreparing });
  tell(answer, service.requests.at(-1), options);
}

function tell(result: unknown, request: ClientRequest | undefined, options: CallCommandOptions): void {
  printResult({ result, request }, [readableJson(result)], options);
  if (request !== undefined) tellProtection(request, options);
}

async function stream(
  service: Service,
  command: CallCommand,
  sent: StreamOptions,
  stdout: Writable,
): Promise<void> {
  const { rpc, options } = command;
  const { body, contentType, request } = await service.stream(rpc, sent);
  if (contentType.startsWith('application/json')) {
    tell(JSON.parse((await hold(body)).toString('utf8')), request, options);
    return;
  }
  if (options.json === true) {
    const octets = await hold(body);
    printResult({ result: textOrBase64(octets), request }, [], options);
  } else await copy(body, stdout);
  tellProtection(request, options);
}

async function copy(body: Readable, stdout: Writable): Promise<void> {
  try {
    await pipeline(body, stdout, { end: false });
    if (stdout.writableNeedDrain) await once(stdout, 'drain');
  } catch (cause) {
    if (cause instanceof GatehouseError) throw cause;
    throw new GatehouseError('cancelled', 'The output was closed before all of the answer had come.', {
      cause,
    });
  }
}

async function hold(body: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxHeldLength) {
      throw new GatehouseError(
        'limit_exceeded',
        'With --json an answer of octets may have 16 MiB. Call without it.',
      );
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Octets as JSON can hold them: text where they are UTF-8. */
function textOrBase64(octets: Buffer): string | { base64: string } {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    return { base64: octets.toString('base64') };
  }
}

/** JSON for a terminal: what could steer it is escaped, and the text stays the same JSON. */
function readableJson(value: unknown): string {
  const escape = (char: string): string =>
    Array.from(
      { length: char.length },
      (_none, at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`,
    ).join('');
  const json = JSON.stringify(value, null, 2);
  return json.replace(/[\u007f-\u009f\u2028\u2029]|\p{Cf}/gu, escape);
}

function tellProtection(request: ClientRequest, options: CallCommandOptions): void {
  const { e2ee } = request;
  printNote(protectionLine(e2ee));
  if (options.verbose === true) printNote(e2ee.toString());
}

/** The one line that says how a request was protected. */
export function protectionLine(
  e2ee: Pick<E2EEInformation, 'e2eeUsed' | 'verifiedBy' | 'sessionVerified' | 'plaintextReason'>,
): string {
  if (!e2ee.e2eeUsed) {
    return `NOT end-to-end encrypted (${e2ee.plaintextReason ?? 'unknown'}): the relay can read and change everything`;
  }
  const fingerprint =
    e2ee.verifiedBy === 'fingerprint'
      ? 'fingerprint verified'
      : 'fingerprint NOT verified: pass --fingerprint, or somebody may be in between';
  return `end-to-end encrypted · ${fingerprint} · session ${e2ee.sessionVerified ? 'verified' : 'not verified'}`;
}

/** Ctrl-C ends the client, and with it the call, with a coded error; again, it ends the process. */
function cancelOnSignal(client: Client): () => void {
  const cancel = (): void => {
    void client.close();
  };
  process.once('SIGINT', cancel);
  process.once('SIGTERM', cancel);
  return () => {
    process.off('SIGINT', cancel);
    process.off('SIGTERM', cancel);
  };
}
