// How the benches of the console print what they measured: a table for people, one line of JSON for programs, each figure
// beside its target. Figures, never a verdict: a machine that does much else may miss any target.
import { availableParallelism, loadavg } from 'node:os';

export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly p50: number;
  readonly p95: number;
  readonly samples: number;
}

export function figure(name: string, unit: string, values: readonly number[]): Figure {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
  return { name, unit, p50: at(0.5), p95: at(0.95), samples: values.length };
}

/** @param facts what the figures were measured on. @param targets by the figure's name, in its unit, on p95 */
export function printFigures(
  figures: readonly Figure[],
  targets: Readonly<Record<string, string>>,
  facts: Readonly<Record<string, number | string>>,
  json: boolean,
): void {
  const load = loadavg().map((each) => Math.round(each * 10) / 10);
  const machine = { cores: availableParallelism(), load };
  if (json) {
    const told = figures.map((each) => ({ ...each, target: targets[each.name] ?? null }));
    return void process.stdout.write(`${JSON.stringify({ ...facts, machine, figures: told })}\n`);
  }
  const told = Object.entries(facts).map(([name, value]) => `${name} ${value}`);
  const ground = `${told.join(', ')}; ${machine.cores} cores, load ${load.join(' ')}`;
  process.stdout.write(`${table(figures, targets)}\n${ground}\n`);
}

function table(figures: readonly Figure[], targets: Readonly<Record<string, string>>): string {
  const line = (cells: readonly string[]) =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(58) : cell.padStart(11))).join('');
  return [
    line(['measure', 'unit', 'p50', 'p95', 'target', 'samples']),
    ...figures.map(({ name, unit, p50, p95, samples }) =>
      line([name, unit, number(p50), number(p95), targets[name] ?? '', String(samples)]),
    ),
  ].join('\n');
}

function number(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
