// `gatehouse device`: device sessions for field engineers and scripts. Declares what the commands take; the work is loaded
// when they are called. A registration code is a secret and comes on stdin, never as an argument.
import type { Command } from 'commander';
import { runAction } from './output.ts';
import type { OutputOptions } from './output.ts';

export interface DeviceFlags extends OutputOptions {
  readonly passwordFile?: string;
  readonly ca?: string;
}

export interface RegisterFlags extends DeviceFlags {
  readonly relay: string;
  readonly service: string;
  readonly codeStdin?: boolean;
}

export interface DownloadFlags extends DeviceFlags {
  readonly output?: string;
  readonly version?: string;
}

type Work = typeof import('./device-client.ts');

export function addDeviceCommand(program: Command): void {
  const device = program
    .command('device')
    .description('Reach a service end to end encrypted over HTTPS, as a registered device')
    .enablePositionalOptions();
  addRegister(device);
  addCall(device);
  addDownload(device);
  withCommon(device.command('fingerprint <name>'))
    .description("Show both fingerprints again: the agent's, and this device's")
    .action((name: string, flags: DeviceFlags) => run(flags, (work) => work.showFingerprints(name, flags)));
  withCommon(device.command('list'))
    .description('The devices that this machine has keys of')
    .action((flags: DeviceFlags) => run(flags, (work) => work.listDevices(flags)));
  withCommon(device.command('forget <name>'))
    .description('Remove a key from this machine; the administrator revokes the device')
    .action((name: string, flags: DeviceFlags) => run(flags, (work) => work.forgetDevice(name, flags)));
}

function addRegister(device: Command): void {
  withCommon(device.command('register <name>'))
    .description('Make a key and register it with a service, as whom you have signed in: gatehouse login')
    .requiredOption('--relay <url>', 'https://host[:port], or http:// on loopback')
    .requiredOption('--service <id>', 'as the service shows it, like abcd-efgh-2345')
    .option('--code-stdin', 'read the one-time registration code from stdin: it confirms both sides at once')
    .action((name: string, flags: RegisterFlags) => run(flags, (work) => work.registerDevice(name, flags)));
}

function addCall(device: Command): void {
  withCommon(device.command('call <name> <rpc> [json]'))
    .description('Call an RPC in a device session, and print what it answers')
    .action((name: string, rpc: string, args: string | undefined, flags: DeviceFlags) =>
      run(flags, (work) => work.callAsDevice({ name, rpc, args, flags })),
    );
}

function addDownload(device: Command): void {
  withCommon(device.command('download <name> <collection> <path>'))
    .description('Download a document; run it again to go on where it broke off')
    .option('--output <file>', 'where to; by default the name of the document, here')
    .option('--version <sha256>', 'a version other than the current one')
    .action((name: string, collection: string, path: string, flags: DownloadFlags) =>
      run(flags, async () => {
        const { downloadAsDevice } = await import('./device-client-download.ts');
        await downloadAsDevice({ name, collection, path, flags });
      }),
    );
}

function withCommon(command: Command): Command {
  return command
    .option('--password-file <file>', 'file (mode 0600) with the password of the keys; without it a key file')
    .option('--ca <file>', 'PEM of certificate authorities to trust besides the system’s')
    .option('--json', 'print one line of JSON');
}

function run(flags: OutputOptions, action: (work: Work) => Promise<void>): Promise<void> {
  return runAction(flags, async () => action(await import('./device-client.ts')));
}
