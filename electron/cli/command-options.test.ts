import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { optionsOf } from './command-options.ts';

async function parse(args: readonly string[]): Promise<{ data: string; json?: boolean }> {
  let seen = { data: '' };
  const program = new Command('gatehouse').enablePositionalOptions();
  const parent = program.command('service').option('--data <folder>', '', 'default').option('--json');
  parent
    .command('list')
    .option('--data <folder>', '', 'default')
    .option('--json')
    .action((_options: unknown, command: Command) => {
      seen = optionsOf(command);
    });
  await program.parseAsync([...args], { from: 'user' });
  return seen;
}

describe('optionsOf', () => {
  it.each([
    [['service', 'list'], { data: 'default' }],
    [['service', 'list', '--data', 'X', '--json'], { data: 'X', json: true }],
    [['service', '--data', 'X', '--json', 'list'], { data: 'X', json: true }],
    [['service', '--data', 'Y', 'list', '--data', 'X'], { data: 'X' }],
  ])('lets what was given win over defaults, and the command over its parent: %j', async (args, expected) => {
    expect(await parse(args)).toEqual(expected);
  });
});
