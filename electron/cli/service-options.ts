// What the `gatehouse service` commands are given on the command line, as commander hands it over.

export interface DataOptions {
  readonly data: string;
  readonly json?: boolean;
}

export interface PasswordOptions extends DataOptions {
  readonly passwordFile?: string;
}

export interface RunOptions extends PasswordOptions {
  readonly relay?: string;
  readonly localRelay?: boolean;
  readonly listen: string;
  readonly domain: string;
  readonly relayCa?: string;
  readonly enrolmentTokenFile?: string;
  readonly directPort?: string;
  /** HOST:PORT; true where none was given. */
  readonly console?: string | boolean;
  readonly consoleAllowRemote?: boolean;
  readonly logLevel: string;
}

export interface ImportOptions extends PasswordOptions {
  readonly key?: string;
  readonly passphraseFile?: string;
}
