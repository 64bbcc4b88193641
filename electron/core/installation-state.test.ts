// Every event in every phase: the phases that it leads to, and nothing else.
import { describe, expect, it } from 'vitest';
import type { ConsolePhase } from '../../shared/contracts/console/models.ts';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { nextState } from './installation-state.ts';
import type { InstallationEvent } from './installation-state.ts';

const problem = new GatehouseError('storage_failed', 'The disk is full.');
const phases = ['first_run', 'locked', 'starting', 'serving', 'failed'] as const;

const table: readonly [InstallationEvent, Record<ConsolePhase, ConsolePhase>][] = [
  [{ kind: 'found', secrets: true }, same({ first_run: 'locked' })],
  [{ kind: 'found', secrets: false }, same({})],
  [{ kind: 'set_up' }, same({ first_run: 'locked', failed: 'locked' })],
  [{ kind: 'unlocked' }, same({ locked: 'starting', failed: 'starting' })],
  [{ kind: 'started' }, same({ starting: 'serving' })],
  [{ kind: 'failed', problem }, same({ first_run: 'failed', locked: 'failed', starting: 'failed' })],
  [{ kind: 'stopped' }, same({ starting: 'locked', serving: 'locked', failed: 'locked' })],
];

function same(changed: Partial<Record<ConsolePhase, ConsolePhase>>): Record<ConsolePhase, ConsolePhase> {
  const unchanged = Object.fromEntries(phases.map((phase) => [phase, phase]));
  return { ...unchanged, ...changed } as Record<ConsolePhase, ConsolePhase>;
}

describe.each(table)('%j', (event, expected) => {
  it.each(phases)('in %s leads where it should', (phase) => {
    const before = { phase, problem: phase === 'failed' ? problem : null };
    const after = nextState(before, event);
    expect(after.phase).toBe(expected[phase]);
    expect(after.problem).toBe(after.phase === 'failed' ? problem : null);
  });
});
