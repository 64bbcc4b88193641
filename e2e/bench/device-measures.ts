// What is measured of device sessions, each beside plain HTTPS through the same relay in the same rounds: `agentinfo` goes
// the same way to the service and is checked for the same token, but has no session; a blob's bytes are the same, but are
// not decrypted.
import { connect } from 'node:tls';
import { askForDocument } from '../../shared/device/document-answer.ts';
import type { Session } from '../../shared/device/index.ts';
import type { DeviceSetting } from './device-setting.ts';
import { memoryOfSessions } from './device-memory.ts';

export interface DevicePlan {
  readonly rounds: number;
  readonly rateMs: number;
  /** Of each way, before anything is measured: until then much of the time is the compiler's. */
  readonly warmUpMs: number;
  readonly mebibytes: number;
  readonly starts: number;
  readonly sessions: number;
}

export interface DeviceRow {
  readonly measure: string;
  readonly unit: string;
  readonly session: number;
  readonly plain: number | null;
  /** Above 1 the session is better than plain HTTPS; null where there is nothing to compare with. */
  readonly ratio: number | null;
  readonly goal: string | null;
}

interface Way {
  readonly session: number[];
  readonly plain: number[];
}

export async function measureDevices(
  setting: DeviceSetting,
  plan: DevicePlan,
  tell: (line: string) => void,
): Promise<DeviceRow[]> {
  const session = await setting.device.login(setting.key);
  const all = new Map<string, Way>();
  const add = (measure: string, way: keyof Way, value: number): void => {
    const kept = all.get(measure) ?? { session: [], plain: [] };
    all.set(measure, kept);
    kept[way].push(value);
  };
  const calls = callsOf(setting, session);
  for (const way of ways) await load(calls[way], 64, plan.warmUpMs);
  for (let round = 1; round <= plan.rounds; round += 1) {
    tell(`round ${String(round)} of ${String(plan.rounds)}`);
    const order = round % 2 === 1 ? ways : ways.toReversed();
    for (const inFlight of [1, 64]) {
      for (const way of order) {
        const { rate, p50, p99 } = await load(calls[way], inFlight, plan.rateMs);
        add(`requests/s at ${String(inFlight)}`, way, rate);
        add(`p50 at ${String(inFlight)}`, way, p50);
        add(`p99 at ${String(inFlight)}`, way, p99);
      }
    }
    await starts(setting, plan, add);
    for (const way of order) await downloads(setting, session, { way, round, plan, add });
  }
  session.close();
  const memory = await memoryOfSessions(plan.sessions);
  return [...rowsOf(all), ...memory];
}

const ways = ['session', 'plain'] as const;

function callsOf(setting: DeviceSetting, session: Session): Record<keyof Way, () => Promise<unknown>> {
  const { relay, serviceId, tokens } = setting;
  const url = `${relay}/s/${serviceId}/api/sessions/agentinfo?api-version=1.0`;
  return {
    session: () => session.request('ping', {}, { idempotent: true }),
    plain: async () => {
      const response = await fetch(url, { headers: { authorization: `Bearer ${await tokens.token()}` } });
      if (!response.ok) throw new Error(`agentinfo: ${String(response.status)}`);
      return response.json();
    },
  };
}

async function load(call: () => Promise<unknown>, inFlight: number, forMs: number) {
  const times: number[] = [];
  const started = performance.now();
  const worker = async (): Promise<void> => {
    while (performance.now() - started < forMs) {
      const before = performance.now();
      await call();
      times.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const seconds = (performance.now() - started) / 1000;
  times.sort((a, b) => a - b);
  const at = (share: number): number =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { rate: times.length / seconds, p50: at(0.5), p99: at(0.99) };
}

type Add = (measure: string, way: keyof Way, value: number) => void;

/** A session start is one round trip; a TLS handshake is a connection and one. */
async function starts({ device, key, relay }: DeviceSetting, plan: DevicePlan, add: Add): Promise<void> {
  for (let at = 0; at < plan.starts; at += 1) {
    const before = performance.now();
    const session = await device.login(key);
    add('session start, beside a TLS 1.3 handshake', 'session', performance.now() - before);
    session.close();
    add('session start, beside a TLS 1.3 handshake', 'plain', await handshake(relay));
  }
}

function handshake(relay: string): Promise<number> {
  const { hostname: host, port } = new URL(relay);
  const before = performance.now();
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port), servername: host, minVersion: 'TLSv1.3' }, () => {
      resolve(performance.now() - before);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

interface Downloading {
  readonly way: keyof Way;
  readonly round: number;
  readonly plan: DevicePlan;
  readonly add: Add;
}

/** Each round has a document of its own, so that the relay has it for the second download alone. */
async function downloads(
  setting: DeviceSetting,
  session: Session,
  { way, round, plan, add }: Downloading,
): Promise<void> {
  const name = `${way}-${String(round)}.bin`;
  setting.publish(name, plan.mebibytes * 1024 * 1024);
  const args = { collection: 'bench', name };
  const document = await askForDocument(session, args);
  for (const kind of ['uncached', 'cached']) {
    const before = performance.now();
    let length = 0;
    if (way === 'session')
      for await (const bytes of setting.device.download(document)) length += bytes.length;
    else length = await plainDownload(setting, document.blob);
    if (length < document.length) throw new Error(`${name} is short`);
    add(`download, ${kind}`, way, length / 1024 / 1024 / ((performance.now() - before) / 1000));
  }
}

async function plainDownload({ relay, serviceId, tokens }: DeviceSetting, blob: string): Promise<number> {
  const url = `${relay}/s/${serviceId}/blobs/${blob}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${await tokens.token()}` } });
  let length = 0;
  for await (const bytes of response.body ?? []) length += (bytes as Uint8Array).length;
  return length;
}

const goals: Readonly<Record<string, string>> = {
  'requests/s at 64': '≥ 0.8',
  'session start, beside a TLS 1.3 handshake': '≤ 3 × (≥ 0.33)',
  'download, uncached': '≥ 0.7',
  'download, cached': '≥ 0.9',
};

function rowsOf(all: ReadonlyMap<string, Way>): DeviceRow[] {
  return [...all].map(([measure, way]) => {
    const isRate = /requests|download/.test(measure);
    const unit = measure.startsWith('requests') ? '1/s' : isRate ? 'MiB/s' : 'ms';
    const [session, plain] = [median(way.session), median(way.plain)];
    const ratio = isRate ? session / plain : plain / session;
    return { measure, unit, session, plain, ratio, goal: goals[measure] ?? null };
  });
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
