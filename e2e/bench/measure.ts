// What is measured, how often, and how rounds become figures and ratios.
import { median, ratioOf } from './pairs.ts';
import type { Ratio } from './pairs.ts';
import { residentKib } from './programs.ts';
import type { LoadCommand, LoadResult } from './protocol.ts';
import { Load, wayNames } from './ways.ts';
import type { Setting, WayName } from './ways.ts';

export interface Row {
  readonly measure: string;
  readonly unit: string;
  /** Median of the rounds. */
  readonly values: Partial<Record<WayName, number>>;
}

/** Above 1 the relay is better than OpenSSH (in `ratios`) or than a direct connection (in `ratiosToDirect`). */
export interface Report {
  readonly rows: readonly Row[];
  readonly ratios: Readonly<Record<string, number>>;
  /** Standard error of each of `ratios`: two runs that differ by less than twice this do not differ. */
  readonly ratioErrors: Readonly<Record<string, number>>;
  readonly ratiosToDirect: Readonly<Record<string, number>>;
}

interface Plan {
  /** Of each measure that `manyRounds` does not name. */
  readonly rounds: number;
  /** Of the measures whose ratio is so close to 1 that few rounds would not tell on which side. */
  readonly manyRounds: Readonly<Record<string, number>>;
  /** Rounds before those. */
  readonly unmeasured: number;
  readonly rateMs: number;
  readonly mebibytes: number;
  readonly idleSessions: number;
  readonly setUps: number;
  /** Of each way, before anything is measured. */
  readonly warmUpMs: number;
}

/** Many short rounds: what else the machine does comes and goes within seconds, and must meet all ways alike. */
const full: Plan = {
  rounds: 16,
  manyRounds: { requests_1: 64, mib_down: 32 },
  unmeasured: 4,
  rateMs: 600,
  mebibytes: 512,
  idleSessions: 200,
  setUps: 15,
  warmUpMs: 8000,
};
const short: Plan = {
  rounds: 1,
  manyRounds: {},
  unmeasured: 0,
  rateMs: 200,
  mebibytes: 8,
  idleSessions: 5,
  setUps: 2,
  warmUpMs: 100,
};
const inFlight = [1, 64, 512] as const;

/** Runs every measurement on every way. */
export async function measure(
  setting: Setting,
  quick: boolean,
  tell: (line: string) => void,
): Promise<Report> {
  const plan = quick ? short : full;
  // First, on processes that have done nothing: later their heaps have room for many sessions.
  const memory = await idleMemory(setting, plan);
  for (const name of wayNames) await setting.loads[name].run({ op: 'connect' });
  await warmUp(setting, plan);
  const results = new Map<string, Record<WayName, LoadResult[]>>();
  for (const [key, command] of commands(plan)) {
    const rounds = plan.manyRounds[key] ?? plan.rounds;
    tell(`${key}: ${rounds} rounds`);
    results.set(key, await inTurn(setting, command, { ...plan, rounds }));
  }
  const rows = [...results].flatMap(([key, all]) => rowsOf(key, all));
  return { rows: [...rows, ...memory], ...ratiosOf(results) };
}

/**
 * What has run for hours is measured, not what has just been started: at one request in flight it takes V8 ten seconds
 * and more until it has compiled what it has to.
 */
async function warmUp({ loads }: Setting, { warmUpMs }: Plan): Promise<void> {
  for (const requests of [64, 1]) {
    const command = { op: 'rate', inFlight: requests, milliseconds: warmUpMs } as const;
    for (const name of wayNames) await loads[name].run(command);
  }
}

/**
 * One measure on all ways, which take turns. Before it counts, each way does it unmeasured: code is compiled and windows
 * grow, and what another measure has left behind in the shared service (512 requests in flight leave garbage of seconds)
 * would be charged to whoever comes first.
 */
async function inTurn(
  { loads }: Setting,
  command: LoadCommand,
  { rounds, unmeasured }: Plan,
): Promise<Record<WayName, LoadResult[]>> {
  const all: Record<WayName, LoadResult[]> = { relay: [], direct: [], openssh: [] };
  for (let round = 1 - unmeasured; round <= rounds; round += 1) {
    // Every other round the other way about: whoever comes after a heavy neighbour pays for it in turn.
    for (const name of round % 2 === 0 ? wayNames : wayNames.toReversed()) {
      const result = await loads[name].run(command);
      if (round > 0) all[name].push(result);
    }
  }
  return all;
}

function commands(plan: Plan): [key: string, command: LoadCommand][] {
  const rates = inFlight.map((n): [string, LoadCommand] => [
    `requests_${n}`,
    { op: 'rate', inFlight: n, milliseconds: plan.rateMs },
  ]);
  return [
    ...rates,
    ['mib_down', { op: 'down', mebibytes: plan.mebibytes }],
    ['mib_up', { op: 'up', mebibytes: plan.mebibytes }],
    ['setup', { op: 'setup', times: plan.setUps }],
  ];
}

function rowsOf(key: string, all: Record<WayName, LoadResult[]>): Row[] {
  const row = (measured: string, unit: string, pick: (result: LoadResult) => number | undefined): Row[] => {
    const values: Partial<Record<WayName, number>> = {};
    for (const name of wayNames) {
      const figures = all[name].map(pick).filter((figure) => figure !== undefined);
      if (figures.length > 0) values[name] = median(figures);
    }
    return Object.keys(values).length === 0 ? [] : [{ measure: measured, unit, values }];
  };
  return [
    ...row(key, 'requests/s', (result) => result.perSecond),
    ...row(key, 'MiB/s', (result) => result.mebibytesPerSecond),
    ...row(`${key} p50`, 'ms', (result) => result.latency?.p50),
    ...row(`${key} p99`, 'ms', (result) => result.latency?.p99),
  ];
}

/** Ratios are taken round by round, each between neighbours in time; the median of them counts. */
function ratiosOf(results: Map<string, Record<WayName, LoadResult[]>>): Omit<Report, 'rows'> {
  const against = (other: WayName, pick: keyof Ratio): Record<string, number> => {
    const ratios: Record<string, number> = {};
    for (const [key, all] of results) {
      const ratio = ratioOf(all.relay.map(speed), all[other].map(speed));
      if (key !== 'setup') ratios[key] = Number(ratio[pick].toFixed(3));
    }
    return ratios;
  };
  return {
    ratios: against('openssh', 'median'),
    ratioErrors: against('openssh', 'error'),
    ratiosToDirect: against('direct', 'median'),
  };
}

function speed({ perSecond, mebibytesPerSecond }: LoadResult): number {
  return perSecond ?? mebibytesPerSecond ?? NaN;
}

/** What an open session that does nothing costs, in KiB: measured with many, each on a connection of its own. */
async function idleMemory(setting: Setting, plan: Plan): Promise<Row[]> {
  const { servicePid, relayPid, ways } = setting;
  const before = { service: residentKib(servicePid), relay: residentKib(relayPid) };
  const load = new Load(ways.relay);
  await load.run({ op: 'idle', count: plan.idleSessions });
  const perSession = (pid: number, start: number): number => (residentKib(pid) - start) / plan.idleSessions;
  const rows = [
    {
      measure: 'memory per idle session at the service',
      unit: 'KiB',
      values: { relay: perSession(servicePid, before.service) },
    },
    {
      measure: 'memory per idle session at the relay',
      unit: 'KiB',
      values: { relay: perSession(relayPid, before.relay) },
    },
  ];
  await load.stop();
  return rows;
}
