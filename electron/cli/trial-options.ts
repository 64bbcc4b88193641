// What `gatehouse trial` is given on the command line.

export interface TrialOptions {
  readonly data: string;
  readonly json?: boolean;
}
