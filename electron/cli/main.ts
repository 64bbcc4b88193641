// The `gatehouse` command. Each subcommand is declared here and loads its work only when it is called,
// so that --help and one-shot commands start fast.
import { Command, CommanderError } from 'commander';
import { addCallCommand } from './call-command.ts';
import { collectBuffersEarly } from '../../shared/net/garbage.ts';
import { addDeviceCommand } from './device-command.ts';
import { addLoginCommands } from './login-command.ts';
import { addRelayCommand } from './relay-command.ts';
import { addServiceCommand } from './service-command.ts';
import { addServicesCommand } from './services-command.ts';
import { addTrialCommand } from './trial-command.ts';

collectBuffersEarly();

const program = new Command('gatehouse')
  .description('Reach systems on your own premises through a relay that can read nothing')
  .version('0.1.0')
  .showHelpAfterError('(add --help for what it takes)')
  .exitOverride();

addServiceCommand(program);
addRelayCommand(program);
addCallCommand(program);
addServicesCommand(program);
addLoginCommands(program);
addDeviceCommand(program);
addTrialCommand(program);

// No top-level await: a chunk that an action loads may import from this file, and would wait for its end for ever.
program.parseAsync().catch((error: unknown) => {
  if (!(error instanceof CommanderError)) throw error;
  // Commander has printed what is wrong; 2 is usage, 0 is --help and --version.
  process.exitCode = error.exitCode === 0 ? 0 : 2;
});
