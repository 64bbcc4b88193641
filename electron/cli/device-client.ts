// The work of `gatehouse device`: register, show fingerprints, call. It always says whose fingerprints these are and
// whether anybody has compared them, and never calls a device confirmed that only this side knows of.
import { once } from 'node:events';
import { formatFingerprint } from '../../shared/contracts/fingerprint.ts';
import { wordsOfFingerprint } from '../../shared/contracts/fingerprint-words.ts';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { printable } from '../../shared/client/printable.ts';
import { isAgentError, oncePrepared } from '../../shared/device/index.ts';
import type { DeviceKey, Session } from '../../shared/device/index.ts';
import { readArguments } from './call-input.ts';
import type { DeviceFlags, RegisterFlags } from './device-command.ts';
import {
  canonicalRelay,
  checkName,
  deviceAt,
  openDevice,
  openKeys,
  rememberRelay,
  withKeys,
} from './device-client-keys.ts';
import { notePreparing, printNote, printResult } from './output.ts';

export interface DeviceCall {
  readonly name: string;
  readonly rpc: string;
  /** As typed. */
  readonly args: string | undefined;
  readonly flags: DeviceFlags;
}

/** What may be asked again by itself where an answer got lost: it changes nothing. */
const idempotent: ReadonlySet<string> = new Set([
  'capabilities',
  'ping',
  'documents.collections',
  'documents.list',
  'documents.versions',
  'documents.get',
]);
const maxCodeLength = 256;

/** @throws GatehouseError `usage`, `device_exists`, `oidc_login_failed`, `registration_code_invalid`, … */
export async function registerDevice(name: string, flags: RegisterFlags): Promise<void> {
  checkName(name);
  const relay = canonicalRelay(flags.relay);
  const code = flags.codeStdin === true ? await readCode() : undefined;
  const device = await deviceAt(relay, flags.service, flags);
  const key = await withKeys(flags, async (keys) => {
    if (keys.contains(name)) throw exists(name);
    await device.loadAgentInfo();
    const { extractable } = keys;
    const registered = await device.registerAs(
      name,
      code === undefined ? { extractable } : { extractable, code },
    );
    keys.add(name, registered);
    await keys.postpare();
    await rememberRelay(name, relay);
    return registered;
  });
  const status = key.proved ? 'confirmed' : 'pending';
  const { facts, lines } = await describe(name, key);
  printResult({ event: 'registered', status, ...facts }, [...lines, '', ...advice[status]], flags);
}

const advice = {
  confirmed: ['Confirmed: each side has proved to the other that it knows the registration code.'],
  pending: [
    'Pending. Nothing vouches for the agent yet: compare both fingerprints with those in the console (page Devices),',
    'over a way that the relay cannot change. The administrator does the same, and confirms the device only then.',
  ],
} as const;

/** @throws GatehouseError `device_keys_missing` */
export async function showFingerprints(name: string, flags: DeviceFlags): Promise<void> {
  const keys = await openKeys(flags);
  await keys.prepare();
  const { facts, lines } = await describe(name, keys.get(name));
  printResult(facts, lines, flags);
}

export async function listDevices(flags: DeviceFlags): Promise<void> {
  const keys = await openKeys(flags);
  await keys.prepare();
  const devices = keys.names().map((name) => ({ name, ...publicFacts(keys.get(name)) }));
  const lines = devices.map((each) => `${each.name}  ${each.serviceId}  ${printable(each.subject)}`);
  printResult({ devices }, lines.length === 0 ? ['No device is registered from here.'] : lines, flags);
}

/** @throws GatehouseError `device_keys_missing` */
export async function forgetDevice(name: string, flags: DeviceFlags): Promise<void> {
  await withKeys(flags, async (keys) => {
    keys.get(name);
    keys.remove(name);
    await keys.postpare();
    await rememberRelay(name, null);
  });
  const line = `Forgot the key of ${name}. The administrator should revoke the device.`;
  printResult({ event: 'forgotten', name }, [line], flags);
}

/** @throws GatehouseError the agent's error; `device_pending`, `AGENT_PUBLIC_KEY_CHANGED`, `RESULT_UNKNOWN`, … */
export async function callAsDevice({ name, rpc, args, flags }: DeviceCall): Promise<void> {
  const payload = await readArguments(args, process.stdin);
  await inSession(name, flags, async (session, key) => {
    const ask = () => session.stream(rpc, payload, { idempotent: idempotent.has(rpc) });
    const answer = await oncePrepared(ask, { onPreparing: notePreparing, believes: isAgentError });
    let streamed = 0;
    for await (const bytes of answer.body) {
      streamed += bytes.length;
      if (flags.json === true)
        throw new GatehouseError('usage', 'This answer is octets. Call without --json.');
      if (!process.stdout.write(bytes)) await once(process.stdout, 'drain');
    }
    const { facts } = session;
    const shown = { ageMs: facts.ageMs, requests: facts.requests, limits: facts.limits };
    if (streamed === 0) {
      const result = { result: answer.payload, session: { id: session.sessionId, ...shown } };
      printResult(result, [JSON.stringify(answer.payload, null, 2)], flags);
    }
    printNote(protection(key, session));
  });
}

/** Opens a session for `work`, and drops its keys afterwards. */
export async function inSession<T>(
  name: string,
  flags: DeviceFlags,
  work: (
    session: Session,
    key: DeviceKey,
    device: Awaited<ReturnType<typeof openDevice>>['device'],
  ) => Promise<T>,
): Promise<T> {
  const { device, key } = await openDevice(name, flags);
  const session = await device.login(key);
  try {
    return await work(session, key, device);
  } finally {
    session.close();
  }
}

function protection({ agent, proved }: DeviceKey, { facts }: Session): string {
  const how = proved ? 'agent proved by registration code' : 'agent as first seen: compare its fingerprint';
  const used = `${String(facts.requests)} of ${String(facts.limits.requests)} requests`;
  return `end-to-end encrypted · ${how} · ${agent.fingerprint.slice(0, 16)}… · ${used}`;
}

async function describe(
  name: string,
  key: DeviceKey,
): Promise<{ facts: Record<string, unknown>; lines: string[] }> {
  const [agentWords, deviceWords] = await Promise.all([
    wordsOfFingerprint(key.agent.fingerprint),
    wordsOfFingerprint(key.identity.fingerprint),
  ]);
  const facts = { name, ...publicFacts(key), agentWords, deviceWords };
  const lines = [
    `Device    ${name}`,
    `Service   ${key.serviceId}`,
    `Issuer    ${printable(key.issuer)}`,
    `Subject   ${printable(key.subject)}`,
    '',
    ...fingerprintLines(
      'Fingerprint of the agent (SHA-256 of its P-256 key)',
      key.agent.fingerprint,
      agentWords,
    ),
    '',
    ...fingerprintLines('Fingerprint of this device', key.identity.fingerprint, deviceWords),
  ];
  return { facts, lines };
}

function publicFacts({ agent, identity, serviceId, issuer, subject, proved }: DeviceKey) {
  const fingerprints = { agentFingerprint: agent.fingerprint, deviceFingerprint: identity.fingerprint };
  return { serviceId, issuer, subject, proved, ...fingerprints };
}

function fingerprintLines(title: string, fingerprint: string, words: readonly string[]): string[] {
  const rows = [0, 6, 12, 18].map((start) => words.slice(start, start + 6).join(' '));
  return [title, ...formatFingerprint(fingerprint).split('\n'), ...rows].map((line, at) =>
    at === 0 ? line : `          ${line}`,
  );
}

async function readCode(): Promise<string> {
  if (process.stdin.isTTY) printNote('Paste the registration code, and end with Ctrl-D:');
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += String(chunk);
    if (text.length > maxCodeLength) break;
  }
  return text.trim();
}

function exists(name: string): GatehouseError {
  const message = `This machine has a key of “${name}” already. Choose another name, or run: gatehouse device forget`;
  return new GatehouseError('device_exists', message);
}
