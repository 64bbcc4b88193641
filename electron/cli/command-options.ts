// The options of a command together with those given before it, as in `gatehouse service --data X token list`.
// What was given to the command itself wins; a default never hides what was given anywhere.
import type { Command } from 'commander';

/** Commander's own `optsWithGlobals` lets a parent's default hide what was given to the command. */
export function optionsOf<T extends object>(command: Command): T {
  const lineage: Command[] = [];
  for (let each: Command | null = command; each !== null; each = each.parent) lineage.unshift(each);
  const merged: Record<string, unknown> = {};
  for (const isDefault of [true, false]) {
    for (const each of lineage) {
      for (const [name, value] of Object.entries(each.opts())) {
        if ((each.getOptionValueSource(name) === 'default') === isDefault) merged[name] = value;
      }
    }
  }
  return merged as T;
}
