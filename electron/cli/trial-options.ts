// What `gatehouse trial` is given on the command line.

export interface TrialOptions {
  readonly data: string;
  /** HOST:PORT; true where none was given. */
  readonly console?: string | boolean;
  readonly json?: boolean;
}
