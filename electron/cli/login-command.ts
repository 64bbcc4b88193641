// `gatehouse login` and `gatehouse logout`: signing in with OpenID Connect, for a relay that takes its tokens.
// Declares what the commands take; the work is loaded when they are called. No secret is ever an argument here.
import type { Command } from 'commander';
import { runAction } from './output.ts';
import type { OutputOptions } from './output.ts';

export interface LoginFlags extends OutputOptions {
  readonly relay: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly resource?: string;
  readonly scope?: string;
  readonly deviceCode?: boolean;
}

export interface LogoutFlags extends OutputOptions {
  readonly relay: string;
}

const relayHelp = 'wss://host[:port], or ws:// on loopback';

export function addLoginCommands(program: Command): void {
  program
    .command('login')
    .description('Sign in for a relay at an OpenID Connect issuer, in your browser; kept until you log out')
    .requiredOption('--relay <url>', relayHelp)
    .requiredOption('--issuer <url>', 'the issuer that the relay trusts, like https://login.example')
    .requiredOption('--client-id <id>', 'what the issuer knows this program by')
    .option('--resource <uri>', 'what the tokens are for, where the issuer wants it named (RFC 8707)')
    .option('--scope <scopes>', 'what is asked of the issuer', 'openid offline_access')
    .option('--device-code', 'no browser here: show a code to be entered on another machine')
    .option('--json', 'print a line of JSON for each step')
    .action(async (flags: LoginFlags) => {
      await runAction(flags, async () => {
        await (await import('./login-run.ts')).runLogin(flags);
      });
    });
  program
    .command('logout')
    .description('Forget the sign-in for a relay, here and at its issuer')
    .requiredOption('--relay <url>', relayHelp)
    .option('--json', 'print one line of JSON')
    .action(async (flags: LogoutFlags) => {
      await runAction(flags, async () => {
        await (await import('./login-run.ts')).runLogout(flags);
      });
    });
}
