// `gatehouse services`: which services are online at a relay, by the relay's word.
import type { Command } from 'commander';
import { addRelayOptions } from './call-command.ts';
import type { RelayCommandOptions } from './call-options.ts';
import { printResult, runAction } from './output.ts';

export function addServicesCommand(program: Command): void {
  addRelayOptions(program.command('services'))
    .description('List the services that are online and may be called, as the relay says')
    .option('--json', 'print one line of JSON')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<RelayCommandOptions>();
      await runAction(options, () => listServices(options));
    });
}

async function listServices(options: RelayCommandOptions): Promise<void> {
  const { listOnlineServices } = await import('../../shared/client/index.ts');
  const { readRelayAccess } = await import('./call-input.ts');
  const online = await listOnlineServices(await readRelayAccess(options));
  const lines = online.services.map(({ serviceId, since }) => `${serviceId}  since ${since}`);
  printResult(online, lines.length === 0 ? [`No service is online at ${online.domain}.`] : lines, options);
}
