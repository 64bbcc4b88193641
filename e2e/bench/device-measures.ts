// What is measured of device sessions with one client, each beside plain HTTPS through the same relay in the same rounds,
// so that whatever else the machine does meets both ways alike.
import type { DeviceClient, Way } from './device-client.ts';
import { median, ratioOf } from './pairs.ts';

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
  /** Null for what the agent has in memory. */
  readonly client: string | null;
  readonly measure: string;
  readonly unit: string;
  readonly session: number;
  readonly plain: number | null;
  /** Above 1 the session is better than plain HTTPS; null where there is nothing to compare with. */
  readonly ratio: number | null;
  /** Standard error of `ratio`. */
  readonly ratioError: number | null;
  readonly goal: string | null;
}

/** A client, and what is made of its figures. */
export interface Measured {
  readonly name: string;
  readonly client: DeviceClient;
  /** What its session start is compared with. */
  readonly besideStart: string;
  /** By measure. */
  readonly goals: Readonly<Record<string, string>>;
  /** Publishes random bytes under `name`. */
  readonly publish: (name: string, length: number) => void;
}

const ways = ['session', 'plain'] as const;
const mib = 1024 * 1024;
/** Of each document and way: they are short, and the machine's other work shows in each. */
const cachedDownloads = 6;

export async function measureDevices(
  measured: Measured,
  plan: DevicePlan,
  tell: (line: string) => void,
): Promise<DeviceRow[]> {
  const figures = new Figures();
  for (const way of ways) await measured.client.load(way, 64, plan.warmUpMs);
  for (let round = 1; round <= plan.rounds; round += 1) {
    tell(`${measured.name}: round ${String(round)} of ${String(plan.rounds)}`);
    const order = round % 2 === 1 ? ways : ways.toReversed();
    await rates(measured, plan, { order, figures });
    await starts(measured, plan, { order, figures });
    await downloads(measured, plan, { order, figures, round });
  }
  return figures.rows(measured);
}

interface Round {
  readonly order: readonly Way[];
  readonly figures: Figures;
}

async function rates({ client }: Measured, plan: DevicePlan, { order, figures }: Round): Promise<void> {
  for (const inFlight of [1, 64]) {
    for (const way of order) {
      const { rate, p50, p99 } = await client.load(way, inFlight, plan.rateMs);
      figures.add(`requests/s at ${String(inFlight)}`, way, rate);
      figures.add(`p50 at ${String(inFlight)}`, way, p50);
      figures.add(`p99 at ${String(inFlight)}`, way, p99);
      if (way === 'session') figures.add(besideRefused(inFlight), way, rate);
    }
    const { rate } = await client.load('refused', inFlight, plan.rateMs);
    figures.add(besideRefused(inFlight), 'plain', rate);
  }
}

function besideRefused(inFlight: number): string {
  return `requests/s at ${String(inFlight)}, beside refused ones`;
}

async function starts(measured: Measured, plan: DevicePlan, { order, figures }: Round): Promise<void> {
  const measure = `session start, beside ${measured.besideStart}`;
  for (let at = 0; at < plan.starts; at += 1) {
    for (const way of order) figures.add(measure, way, await measured.client.start(way));
  }
}

/** Each round and way has a document of its own, so that the relay does not have it at first. */
async function downloads(
  { name, client, publish }: Measured,
  plan: DevicePlan,
  { order, figures, round }: Round & { readonly round: number },
): Promise<void> {
  const file = (way: Way): string => `${name}-${way}-${String(round)}.bin`;
  for (const way of order) {
    publish(file(way), plan.mebibytes * mib);
    figures.add('download, uncached', way, await client.download(way, file(way)));
  }
  for (let at = 0; at < cachedDownloads; at += 1) {
    for (const way of at % 2 === 0 ? order : order.toReversed()) {
      figures.add('download, cached', way, await client.download(way, file(way)));
    }
  }
}

class Figures {
  readonly #all = new Map<string, Record<Way, number[]>>();

  add(measure: string, way: Way, value: number): void {
    const kept = this.#all.get(measure) ?? { session: [], plain: [] };
    this.#all.set(measure, kept);
    kept[way].push(value);
  }

  rows({ name, goals }: Measured): DeviceRow[] {
    return [...this.#all].map(([measure, values]) => {
      const isRate = /requests|download/.test(measure);
      const unit = measure.startsWith('requests') ? '1/s' : isRate ? 'MiB/s' : 'ms';
      const [session, plain] = [median(values.session), median(values.plain)];
      const ratio = isRate ? ratioOf(values.session, values.plain) : ratioOf(values.plain, values.session);
      const beside = { plain, ratio: ratio.median, ratioError: ratio.error };
      return { client: name, measure, unit, session, ...beside, goal: goals[measure] ?? null };
    });
  }
}
