// The access tokens as a running service sees them: in memory, so that known and unknown ids are looked
// up alike, and following the folder. It must never keep a token active that was revoked, deleted,
// damaged or has expired. Where the folder cannot be read for a while it keeps what it last knew.
import type { GatehouseError } from '../../../shared/contracts/errors.ts';
import { asGatehouseError } from '../../../shared/contracts/errors.ts';
import { watchFolder } from '../../../shared/storage/watch-folder.ts';
import { statusOf } from './access-token-file.ts';
import type { AccessTokenRecord, AccessTokenStatus } from './access-token-file.ts';
import type { AccessTokens } from './access-tokens.ts';
import { atTime } from './at-time.ts';

export interface AccessTokenListener {
  /** Ids that were created, revoked, changed, deleted or damaged, or have expired; within a second. */
  readonly onChange: (ids: readonly string[]) => void;
  /** A file that cannot be read; told once while it stays so. */
  readonly onProblem: (problem: GatehouseError) => void;
}

export interface LiveAccessToken extends AccessTokenRecord {
  readonly status: AccessTokenStatus;
}

/** Made by `LiveAccessTokens.open`; whoever opens closes. */
export class LiveAccessTokens {
  readonly #store: AccessTokens;
  readonly #listener: AccessTokenListener;
  #tokens = new Map<string, AccessTokenRecord>();
  /** Ids whose status was active when listeners were last told. */
  #active = new Set<string>();
  #corrupt = new Map<string, GatehouseError>();
  #unwatch: () => void = () => undefined;
  #cancelExpiry: () => void = () => undefined;
  #closed = false;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(store: AccessTokens, listener: AccessTokenListener) {
    this.#store = store;
    this.#listener = listener;
  }

  /** Reads all tokens, then follows them. @throws GatehouseError `storage_failed` */
  static async open(store: AccessTokens, listener: AccessTokenListener): Promise<LiveAccessTokens> {
    const live = new LiveAccessTokens(store, listener);
    live.#tokens = (await live.#readAll()).tokens;
    live.#settle([]);
    live.#unwatch = watchFolder(store.folder, () => live.refresh(), { onProblem: listener.onProblem });
    return live;
  }

  /** The token with its status at this moment, or null. */
  find(id: string): LiveAccessToken | null {
    const token = this.#tokens.get(id);
    return token === undefined ? null : { ...token, status: statusOf(token, Date.now()) };
  }

  /** All tokens with their status at this moment, by time of creation. */
  all(): readonly LiveAccessToken[] {
    const now = Date.now();
    const tokens = [...this.#tokens.values()].sort((a, b) => a.createdAt - b.createdAt);
    return tokens.map((token) => ({ ...token, status: statusOf(token, now) }));
  }

  /** One for each file that cannot be read. */
  get problems(): readonly GatehouseError[] {
    return [...this.#corrupt.values()];
  }

  /** Takes up what is there now, without waiting for the watch. @throws GatehouseError `storage_failed` */
  refresh(): Promise<void> {
    // One after the other: what was read last is what stays.
    const run = this.#turn.then(() => this.#reload());
    this.#turn = run.catch(() => undefined);
    return run;
  }

  close(): void {
    this.#closed = true;
    this.#unwatch();
    this.#cancelExpiry();
  }

  async #reload(): Promise<void> {
    const before = this.#tokens;
    const { tokens, failure } = await this.#readAll();
    const ids = new Set([...before.keys(), ...tokens.keys()]);
    this.#tokens = tokens;
    this.#settle([...ids].filter((id) => !sameToken(before.get(id), tokens.get(id))));
    if (failure !== null) throw failure;
  }

  /** `failure` is one of the files that could not be read at all: the watch tries again. */
  async #readAll(): Promise<{ tokens: Map<string, AccessTokenRecord>; failure: GatehouseError | null }> {
    const tokens = new Map<string, AccessTokenRecord>();
    const corrupt = new Map<string, GatehouseError>();
    let failure: GatehouseError | null = null;
    for (const id of await this.#store.ids()) {
      try {
        const token = await this.#store.read(id);
        if (token !== null) tokens.set(id, token);
      } catch (error) {
        const problem = asGatehouseError(error);
        if (problem.code === 'access_token_corrupt') {
          corrupt.set(id, problem);
          if (!this.#corrupt.has(id)) this.#listener.onProblem(problem);
        } else {
          // A disk that fails says nothing about the token.
          failure = problem;
          const known = this.#tokens.get(id);
          if (known !== undefined) tokens.set(id, known);
        }
      }
    }
    this.#corrupt = corrupt;
    return { tokens, failure };
  }

  /** Tells what changed, with what has expired since the last time, and waits for the next expiry. */
  #settle(changed: readonly string[]): void {
    if (this.#closed) return;
    const now = Date.now();
    const active = [...this.#tokens.values()].filter((token) => statusOf(token, now) === 'active');
    const activeIds = new Set(active.map((token) => token.id));
    const ended = [...this.#active].filter((id) => !activeIds.has(id));
    this.#active = activeIds;
    this.#cancelExpiry();
    const next = Math.min(...active.map((token) => token.expiresAt ?? Infinity));
    if (next !== Infinity) {
      this.#cancelExpiry = atTime(next, () => {
        this.#settle([]);
      });
    }
    const ids = [...new Set([...changed, ...ended])];
    if (ids.length > 0) this.#listener.onChange(ids);
  }
}

function sameToken(a: AccessTokenRecord | undefined, b: AccessTokenRecord | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const { scram, ...fields } = a;
  return (
    Object.entries(fields).every(([name, value]) => b[name as keyof typeof fields] === value) &&
    scram.storedKey.equals(b.scram.storedKey) &&
    scram.serverKey.equals(b.scram.serverKey) &&
    scram.salt.equals(b.scram.salt) &&
    scram.iterations === b.scram.iterations
  );
}
