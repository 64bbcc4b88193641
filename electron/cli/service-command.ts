// `gatehouse service`: runs a service, and changes what is in its data folder.
// Declares the commands; what they do is in service-run.ts and service-admin.ts, loaded when called.
import type { Command } from 'commander';
import { addCollectionCommands } from './collection-command.ts';
import { optionsOf } from './command-options.ts';
import { runAction } from './output.ts';
import { defaultFolder } from './paths.ts';
import { addServiceDeviceCommands } from './service-device-command.ts';
import type { DataOptions, ImportOptions, PasswordOptions, RunOptions } from './service-options.ts';

const passwordFileHelp = 'file with the superadmin password (mode 0600); else it is asked for';

export function addServiceCommand(program: Command): void {
  const service = withPassword(program.command('service'))
    .description(
      'Run the service on the premises: it dials the relay and answers clients end to end encrypted',
    )
    .option('--relay <url>', 'the relay to dial, as wss://relay.example')
    .option('--local-relay', 'start a relay of its own on this machine, and use that')
    .option('--listen <host:port>', 'where the local relay listens', '127.0.0.1:0')
    .option('--domain <name>', 'the name of the local relay', 'LOCAL')
    .option('--relay-ca <file>', 'PEM of the authority that signed the relay’s certificate')
    .option('--enrolment-token-file <file>', 'enrolment token of the relay, for the first connection')
    .option('--console [host:port]', 'serve the console in a browser; 127.0.0.1:8081 where none is given')
    .option('--console-allow-remote', 'let the console listen where other machines reach it')
    .option('--direct-port <port>', 'serve on this loopback port too, without a relay (for measurements)')
    .option('--log-level <level>', 'silent, error, warn, info or debug', 'warn')
    .action(async (_options: unknown, command: Command) => {
      const options = optionsOf<RunOptions>(command);
      await runAction(options, async () => (await import('./service-run.ts')).runService(options));
    });
  addCertificateCommands(service);
  addSettingsCommands(service);
  addTokenCommands(service);
  addServiceDeviceCommands(service);
  addCollectionCommands(service);
}

function withData(command: Command): Command {
  return command
    .option('--data <folder>', 'data folder of the service', defaultFolder('service'))
    .option('--json', 'print one line of JSON');
}

function withPassword(command: Command): Command {
  return withData(command).option('--password-file <file>', passwordFileHelp);
}

function addCertificateCommands(service: Command): void {
  withPassword(service.command('renew-e2ee-certificate'))
    .description('Make a new E2EE certificate; clients need its new fingerprint')
    .action(async (_options: unknown, command: Command) => {
      const options = optionsOf<PasswordOptions>(command);
      await runAction(options, async () => (await import('./service-admin.ts')).renewCertificate(options));
    });
  withPassword(service.command('import-e2ee-certificate'))
    .description('Use a certificate of your own: PEM or PKCS#12, RSA 2048 to 4096, P-256 or P-384')
    .argument('<file>', 'PEM with the certificate (and its key), or PKCS#12')
    .option('--key <file>', 'PEM of the private key, where it is not in the same file')
    .option('--passphrase-file <file>', 'file with the passphrase of the PKCS#12 file or key (mode 0600)')
    .action(async (file: string, _options: unknown, command: Command) => {
      const options = optionsOf<ImportOptions>(command);
      await runAction(options, async () =>
        (await import('./service-admin.ts')).importCertificate(file, options),
      );
    });
}

function addSettingsCommands(service: Command): void {
  const settings = service
    .command('settings')
    .description('Read and change settings; a running service follows');
  withData(settings.command('get'))
    .description('Print one setting, or all of them')
    .argument('[name]', 'for example service.e2ee.require_e2ee')
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      const options = optionsOf<DataOptions>(command);
      await runAction(options, async () => (await import('./service-admin.ts')).getSetting(name, options));
    });
  withData(settings.command('set'))
    .description('Change one setting')
    .argument('<name>')
    .argument('<value>')
    .action(async (name: string, value: string, _options: unknown, command: Command) => {
      const options = optionsOf<DataOptions>(command);
      await runAction(options, async () =>
        (await import('./service-admin.ts')).setSetting(name, value, options),
      );
    });
}

function addTokenCommands(service: Command): void {
  const token = service
    .command('token')
    .description('Access tokens, with which remote users verify their sessions');
  withData(token.command('create'))
    .description('Make an access token; it is shown this once')
    .requiredOption('--user <name>', 'the remote user it is for')
    .option('--expires <duration>', 'how long it is good, as 24h or 30d; without it, until revoked')
    .action(async (_options: unknown, command: Command) => {
      const options = optionsOf<DataOptions & { user: string; expires?: string }>(command);
      await runAction(options, async () => (await import('./service-admin.ts')).createToken(options));
    });
  withData(token.command('list'))
    .description('List access tokens, without their secrets')
    .action(async (_options: unknown, command: Command) => {
      const options = optionsOf<DataOptions>(command);
      await runAction(options, async () => (await import('./service-admin.ts')).listTokens(options));
    });
  withData(token.command('revoke'))
    .description('Revoke an access token; its live sessions end within a second')
    .argument('<id>')
    .action(async (id: string, _options: unknown, command: Command) => {
      const options = optionsOf<DataOptions>(command);
      await runAction(options, async () => (await import('./service-admin.ts')).revokeToken(id, options));
    });
}
