// `gatehouse service device`: the devices that reach a service over HTTPS. Declares the commands; what they do is in
// service-devices.ts, loaded when called.
import type { Command } from 'commander';
import { optionsOf } from './command-options.ts';
import { runAction } from './output.ts';
import { defaultFolder } from './paths.ts';
import type { DataOptions } from './service-options.ts';

export interface ConfirmOptions extends DataOptions {
  readonly id?: string;
}

export function addServiceDeviceCommands(service: Command): void {
  const device = service
    .command('device')
    .description('Devices of users, which reach the service over HTTPS');
  withData(device.command('list'))
    .description('List devices, the agent’s own fingerprint and the registration codes that are good still')
    .action(async (_options: unknown, command: Command) => {
      const options = optionsOf<DataOptions>(command);
      await runAction(options, async () => (await import('./service-devices.ts')).listDevices(options));
    });
  withData(device.command('confirm'))
    .description('Let a pending device in: type the fingerprint that the device itself shows')
    .argument('<fingerprint>', 'SHA-256 fingerprint of the device’s key, all of it')
    .option('--id <id>', 'which device, where two users registered the same key')
    .action(async (fingerprint: string, _options: unknown, command: Command) => {
      const options = optionsOf<ConfirmOptions>(command);
      await runAction(options, async () =>
        (await import('./service-devices.ts')).confirmDevice(fingerprint, options),
      );
    });
  withData(device.command('revoke'))
    .description('Revoke a device for good; its live sessions end within a second')
    .argument('<id>')
    .action(async (id: string, _options: unknown, command: Command) => {
      const options = optionsOf<DataOptions>(command);
      await runAction(options, async () => (await import('./service-devices.ts')).revokeDevice(id, options));
    });
  withData(device.command('code'))
    .description('Make a one-time registration code, good for ten minutes; it is shown this once')
    .action(async (_options: unknown, command: Command) => {
      const options = optionsOf<DataOptions>(command);
      await runAction(options, async () => (await import('./service-devices.ts')).createCode(options));
    });
}

function withData(command: Command): Command {
  return command
    .option('--data <folder>', 'data folder of the service', defaultFolder('service'))
    .option('--json', 'print one line of JSON');
}
