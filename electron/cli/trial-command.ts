// `gatehouse trial`: a service behind a local relay on a folder marked as a trial.
import type { Command } from 'commander';
import { runAction } from './output.ts';
import { defaultFolder } from './paths.ts';
import type { TrialOptions } from './trial-options.ts';

export function addTrialCommand(program: Command): void {
  program
    .command('trial')
    .description('Try it: a service behind a relay of its own on this machine, with generated secrets')
    .option('--data <folder>', 'folder of the trial', defaultFolder('trial'))
    .option(
      '--console <host:port>',
      'where its console listens; else at 127.0.0.1:8081 or the next free port',
    )
    .option('--json', 'print one line of JSON when it serves')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<TrialOptions>();
      await runAction(options, async () => (await import('./trial-run.ts')).runTrial(options));
    });
}
