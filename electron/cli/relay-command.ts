// `gatehouse relay`: what its commands take. It loads nothing heavy: an action imports what it needs when it runs.
// No secret is ever an argument here; tokens are printed once, where they are made.
import type { Command } from 'commander';
import { defaultFolder } from './paths.ts';
import { runAction } from './output.ts';
import type { OutputOptions } from './output.ts';
import type { RelayFlags } from './relay-start.ts';
import type { ClientTokenFlags, DataFlags, EnrolmentTokenFlags } from './relay-records.ts';

const dataHelp = 'folder of enrolled keys and tokens';
const jsonHelp = 'print JSON, one line';

/** Adds `relay` and its sub-commands to `program`. */
export function addRelayCommand(program: Command): void {
  // Options after a sub-command's name are the sub-command's; every command above it has to agree to that.
  program.enablePositionalOptions();
  const relay = program
    .command('relay')
    .description('run a relay, which routes between clients and services and reads nothing')
    .enablePositionalOptions()
    .option('--listen <host:port>', 'address to listen at; port 0 takes a free one', '127.0.0.1:8080')
    .option('--data <folder>', dataHelp, defaultFolder('relay'))
    .option('--domain <name>', 'name of the domain, shown to clients', 'LOCAL')
    .option('--public-url <url>', 'the one URL that the relay is dialled by, where a proxy stands before it')
    .option('--tls-cert <file>', 'PEM certificate, with --tls-key')
    .option('--tls-key <file>', 'PEM private key, mode 0600')
    .option(
      '--oidc-issuer <url>',
      'OpenID Connect issuer whose access tokens are taken, with --oidc-audience',
    )
    .option('--oidc-audience <name>', 'audience that the access tokens must be for')
    .option('--cors-origin <url...>', 'origin of a web page that may use the HTTPS API; may be repeated')
    .option('--blob-cache-mb <n>', 'disk that encrypted documents may take at the relay, in MiB', '4096')
    .option('--trial-idp [host:port]', 'with an OpenID Connect issuer for trials, on loopback alone')
    .option('--trial-app [host:port]', 'with the example app of device sessions, on loopback alone')
    .option('--trial-app-client <id>', 'client id of the example app at the --oidc-issuer')
    .option('--open', 'let everybody in without tokens; on loopback only')
    .option(
      '--log-level <level>',
      'trace, debug, info, warn, error, fatal or silent; logs go to stderr',
      'warn',
    )
    .option('--json', jsonHelp)
    .addOption(program.createOption('--end-with-stdin', 'stop when stdin is closed').hideHelp())
    .action((flags: RelayFlags) =>
      runAction(flags, async () => {
        const { runRelay } = await import('./relay-start.ts');
        await runRelay(flags);
      }),
    );
  addEnrolmentToken(relay);
  addClientToken(relay);
  addServices(relay);
}

function addEnrolmentToken(relay: Command): void {
  const command = relay
    .command('enrolment-token')
    .description('make a token that enrols one service, once')
    .option('--expires <time>', 'life of the token, such as 15m, 24h or 30d', '24h');
  withCommon(command).action((flags: EnrolmentTokenFlags) =>
    runRecords(flags, (records) => records.makeEnrolmentToken(flags)),
  );
}

function addClientToken(relay: Command): void {
  const command = relay
    .command('client-token')
    .description('make a relay token for a client')
    .enablePositionalOptions()
    .option('--user <name>', 'whose token it is, shown to services as client_id')
    .option('--service <id...>', 'the services that it may reach; all by default');
  withCommon(command).action((flags: ClientTokenFlags) =>
    runRecords(flags, (records) => records.makeClientToken(flags)),
  );
  const list = command.command('list').description('list the client tokens');
  withCommon(list).action((flags: DataFlags) =>
    runRecords(flags, (records) => records.listClientTokens(flags)),
  );
  const revoke = command
    .command('revoke <id>')
    .description('revoke a client token; its connections end within a second');
  withCommon(revoke).action((id: string, flags: DataFlags) =>
    runRecords(flags, (records) => records.revokeClientToken(id, flags)),
  );
}

function addServices(relay: Command): void {
  const services = relay.command('services').description('the services that have enrolled');
  const list = services.command('list').description('list them');
  withCommon(list).action((flags: DataFlags) => runRecords(flags, (records) => records.listServices(flags)));
  const forget = services
    .command('forget <id>')
    .description('forget a key; the service then needs a new enrolment token');
  withCommon(forget).action((id: string, flags: DataFlags) =>
    runRecords(flags, (records) => records.forgetService(id, flags)),
  );
}

function withCommon(command: Command): Command {
  return command.option('--data <folder>', dataHelp, defaultFolder('relay')).option('--json', jsonHelp);
}

type Records = typeof import('./relay-records.ts');

function runRecords(flags: OutputOptions, action: (records: Records) => Promise<void>): Promise<void> {
  return runAction(flags, async () => action(await import('./relay-records.ts')));
}
