// What the commands that dial a relay are given on the command line, as commander hands it over.

export interface RelayCommandOptions {
  readonly relay: string;
  readonly relayTokenFile?: string;
  readonly ca?: string;
  readonly json?: boolean;
}

export interface CallCommandOptions extends RelayCommandOptions {
  readonly fingerprint?: string;
  readonly accessTokenFile?: string;
  readonly h2: boolean;
  readonly e2ee: 'always' | 'when_available' | 'never';
  /** Seconds, as typed. */
  readonly timeout?: string;
  readonly verbose?: boolean;
}
