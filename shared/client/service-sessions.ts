// The sessions with one service under one set of credentials: one that all calls share where HTTP/2 is spoken,
// one a call otherwise. They end together, and a session is verified before any call gets it.
import { GatehouseError } from '../contracts/errors.ts';
import { openRpc } from './capabilities.ts';
import { establish, openSession } from './establish.ts';
import type { Establishing, Plan, ServiceContext } from './establish.ts';
import type { PreparedCall } from './rpc.ts';
import { openPlainSession } from './session.ts';
import type { Session } from './session.ts';
import { cancelled } from './whole-exchange.ts';

/** A session for a call; `done` is called once, when the call is over. */
export interface Lease {
  readonly session: Session;
  readonly done: () => void;
}

export class ServiceSessions {
  readonly #context: ServiceContext;
  readonly #call: Omit<Establishing, 'signal'>;
  readonly #ending = new AbortController();
  /** Those that end with this object; a session that ended by itself need not be among them. */
  readonly #open = new Set<Session>();
  #shared: Lease | null = null;
  #opening: Promise<Lease> | null = null;
  #establishing: Promise<Plan> | null = null;

  constructor(context: ServiceContext, call: Omit<Establishing, 'signal'>) {
    this.#context = context;
    this.#call = call;
  }

  /** The session that calls share, where it is there and alive. */
  get current(): Lease | null {
    return this.#shared?.session.usable === true ? this.#shared : null;
  }

  /** Decides how calls travel, and opens the session that they share. @throws GatehouseError as `establish` */
  establish(): Promise<Plan> {
    this.#establishing ??= this.#establish().catch((error: unknown) => {
      this.#establishing = null; // the next call tries again
      throw error;
    });
    return this.#establishing;
  }

  /** A session for `call`, opened where there is none to share. @throws GatehouseError as `establish` */
  async lease(call: PreparedCall): Promise<Lease> {
    this.#ending.signal.throwIfAborted();
    const plan = await untilAborted(this.establish(), call.signal);
    if (plan.kind === 'plain') return this.#leasePlain(plan, call);
    if (plan.h2) return this.current ?? this.#leaseShared(call.signal);
    return this.#own(await openSession(this.#context, this.#with(call.signal), false));
  }

  /** Ends all sessions and what runs on them. */
  end(): void {
    this.#ending.abort(
      new GatehouseError('cancelled', 'The service was closed, or reloaded, by its caller.'),
    );
    for (const session of this.#open) session.close();
    this.#open.clear();
  }

  async #establish(): Promise<Plan> {
    const { plan, session } = await establish(this.#context, this.#with(undefined));
    if (session !== null) this.#share(session);
    this.#ending.signal.throwIfAborted();
    return plan;
  }

  #with(signal: AbortSignal | undefined): Establishing {
    const ending = this.#ending.signal;
    return { ...this.#call, signal: signal === undefined ? ending : AbortSignal.any([ending, signal]) };
  }

  async #leasePlain(plan: Plan & { kind: 'plain' }, call: PreparedCall): Promise<Lease> {
    if (plan.refusal !== null && call.rpcName !== openRpc) throw plan.refusal;
    const { serviceId, signal } = this.#with(call.signal);
    return this.#own(await openPlainSession(this.#context.source, serviceId, plan.reason, signal));
  }

  /** One session for all calls that wait for one: a caller who gives up leaves the others theirs. */
  #leaseShared(signal: AbortSignal | undefined): Promise<Lease> {
    this.#opening ??= openSession(this.#context, this.#with(undefined), true)
      .then((session) => this.#share(session))
      .finally(() => {
        this.#opening = null;
      });
    return untilAborted(this.#opening, signal);
  }

  #share(session: Session): Lease {
    this.#keep(session);
    // What still runs on the last one, after its GOAWAY, may finish there; it closes by itself.
    if (this.#shared !== null) this.#open.delete(this.#shared.session);
    this.#shared = { session, done: stayOpen };
    return this.#shared;
  }

  #own(session: Session): Lease {
    this.#keep(session);
    const done = (): void => {
      this.#open.delete(session);
      session.close();
    };
    return { session, done };
  }

  #keep(session: Session): void {
    if (this.#ending.signal.aborted) session.close();
    else this.#open.add(session);
    this.#ending.signal.throwIfAborted();
  }
}

function stayOpen(): void {
  // The session is everybody's.
}

/** What `promise` gives, or `cancelled` as soon as `signal` says so; the promise's work goes on for others. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(cancelled());
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
  });
}
