// The benches in their short versions: that they run, with real programs on all ways, and print what they promise.
// They judge no figure: a test that times things fails on a busy machine.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

interface Report {
  readonly rows: readonly { readonly measure: string; readonly values: Readonly<Record<string, number>> }[];
  readonly ratios: Readonly<Record<string, number>>;
  readonly ratiosToDirect: Readonly<Record<string, number>>;
}

const measures = ['requests_1', 'requests_64', 'requests_512', 'mib_down', 'mib_up'];

it('measures relay, direct connection and OpenSSH side by side, and prints rows and ratios', async () => {
  const run = promisify(execFile)(process.execPath, ['e2e/bench/main.ts', '--short', '--json']);
  const { rows, ratios, ratiosToDirect } = JSON.parse((await run).stdout) as Report;
  expect(Object.keys(ratios)).toEqual(measures);
  expect(Object.keys(ratiosToDirect)).toEqual(measures);
  for (const ratio of [...Object.values(ratios), ...Object.values(ratiosToDirect)]) {
    expect(ratio).toBeGreaterThan(0);
  }
  const latencies = [1, 64, 512].flatMap((n) => [`requests_${n} p50`, `requests_${n} p99`]);
  for (const measure of [...measures, ...latencies]) {
    const row = rows.find((each) => each.measure === measure);
    expect(Object.keys(row?.values ?? {})).toEqual(['relay', 'direct', 'openssh']);
    expect(Object.values(row?.values ?? {}).every((value) => value > 0)).toBe(true);
  }
  const rest = [
    'setup p50',
    'memory per idle session at the service',
    'memory per idle session at the relay',
  ];
  expect(rows.map((row) => row.measure)).toEqual(expect.arrayContaining(rest));
});

interface DeviceReport {
  readonly rows: readonly {
    readonly client: string | null;
    readonly measure: string;
    readonly session: number;
    readonly plain: number | null;
    readonly goal: string | null;
  }[];
}

it('measures device sessions in Chromium and in Node beside plain HTTPS, and names client and goal of each row', async () => {
  const run = promisify(execFile)(process.execPath, ['e2e/bench/devices.ts', '--short', '--json']);
  const { rows } = JSON.parse((await run).stdout) as DeviceReport;
  const load = [1, 64].flatMap((inFlight) =>
    ['requests/s at #', 'p50 at #', 'p99 at #', 'requests/s at #, beside refused ones'].map((each) =>
      each.replace('#', String(inFlight)),
    ),
  );
  const downloads = ['download, uncached', 'download, cached'];
  const of = (client: string | null): DeviceReport['rows'] => rows.filter((row) => row.client === client);
  const inChromium = [...load, 'session start, beside one plain request', ...downloads];
  expect(of('chromium').map((row) => row.measure)).toEqual(inChromium);
  const inNode = [...load, 'session start, beside a TLS 1.3 handshake', ...downloads];
  expect(of('node').map((row) => row.measure)).toEqual(inNode);
  for (const { session, plain } of [...of('chromium'), ...of('node')]) {
    expect(session).toBeGreaterThan(0);
    expect(plain).toBeGreaterThan(0);
  }
  const goals = rows.flatMap(({ client, measure, goal }) => (goal === null ? [] : [[client, measure]]));
  expect(goals).toEqual([
    ['chromium', 'requests/s at 64'],
    ['chromium', 'download, uncached'],
    ['chromium', 'download, cached'],
    ['node', 'session start, beside a TLS 1.3 handshake'],
  ]);
  expect(of(null).map((row) => row.measure)).toEqual([
    'memory of 200 live sessions',
    'memory of one live session',
  ]);
});
