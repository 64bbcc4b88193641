// What the bench and its load generators say to each other.

/** How a load generator reaches the service: through the relay, or a TCP port. */
export interface Way {
  readonly serviceId: string;
  readonly fingerprint: string;
  /** `ca` and `token` are files. */
  readonly relay?: { readonly url: string; readonly ca: string; readonly token: string };
  readonly port?: number;
}

export type LoadCommand =
  | { readonly op: 'connect' }
  | { readonly op: 'rate'; readonly inFlight: number; readonly milliseconds: number }
  | { readonly op: 'down'; readonly mebibytes: number }
  | { readonly op: 'up'; readonly mebibytes: number }
  | { readonly op: 'setup'; readonly times: number }
  | { readonly op: 'idle'; readonly count: number };

/** Milliseconds. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

export interface LoadResult {
  readonly perSecond?: number;
  readonly latency?: Latency;
  readonly mebibytesPerSecond?: number;
}
