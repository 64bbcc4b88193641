// `gatehouse call`: one RPC through a relay. Declares what the command takes; the work is loaded when it is called.
// Must never take a secret as an argument: tokens come in files that nobody else can read.
import { Option } from 'commander';
import type { Command } from 'commander';
import type { CallCommandOptions } from './call-options.ts';
import { runAction } from './output.ts';

export function addCallCommand(program: Command): void {
  const call = program
    .command('call')
    .description('Call an RPC of a service, and print what it answers')
    .argument('<service-id>', 'as the service shows it, like abcd-efgh-2345')
    .argument('<rpc>', 'capabilities, ping, echo, …')
    .argument(
      '[json]',
      'arguments as JSON; "-" reads them from stdin, which "echo" streams as octets; "documents.put" takes the document from stdin',
    );
  addRelayOptions(call)
    .option('--fingerprint <hex>', "SHA-256 fingerprint of the service's certificate, from its administrator")
    .option('--access-token-file <file>', 'file (mode 0600) with the access token; needs --fingerprint')
    .option('--no-h2', 'a session of its own for every call, over HTTP/1.1')
    .addOption(
      new Option('--e2ee <when>', 'end-to-end encryption where no fingerprint is given')
        .choices(['always', 'when_available', 'never'])
        .default('when_available'),
    )
    .option('--timeout <seconds>', 'how long the service may give no sign of life', '30')
    .option('-v, --verbose', 'print how the request was protected, as a table on stderr')
    .option('--json', 'print one line of JSON: {"result":…,"request":…} or {"error":…}')
    .action(
      async (
        serviceId: string,
        rpc: string,
        args: string | undefined,
        _options: unknown,
        command: Command,
      ) => {
        const options = command.optsWithGlobals<CallCommandOptions>();
        await runAction(options, async () => {
          await (await import('./call-run.ts')).runCall({ serviceId, rpc, args, options });
        });
      },
    );
}

/** What every command that is a relay's client takes. */
export function addRelayOptions(command: Command): Command {
  return command
    .requiredOption('--relay <url>', 'wss://host[:port], or ws:// on loopback')
    .option('--relay-token-file <file>', 'file (mode 0600) with the token that the relay wants')
    .option('--ca <file>', 'PEM of certificate authorities to trust for the relay');
}
