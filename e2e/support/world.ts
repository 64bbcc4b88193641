// A whole world on loopback: a relay that wants tokens, a service that enrolled with one, and a client's token.
// All real processes of what was built; data in a temporary folder.
import { setTimeout as delay } from 'node:timers/promises';
import { login } from '../../shared/client/index.ts';
import type { Client, LoginOptions, Service, ServiceCredentials } from '../../shared/client/index.ts';
import { Home } from './home.ts';
import type { Ran } from './home.ts';
import type { Program } from './program.ts';
import { loggedRows } from './request-log.ts';
import type { LoggedRow } from './request-log.ts';
import { until, withinASecondMs } from './waiting.ts';

export const superadminPassword = 'correct horse battery staple';

/** Where `capabilities` tells of a setting. */
const capabilityOf = {
  require_e2ee: 'required',
  require_e2ee_session_verification: 'sessionVerificationRequired',
} as const;

export interface AccessToken {
  readonly id: string;
  readonly token: string;
  readonly file: string;
}

export interface CallOptions {
  /** Default: the service's own; null passes none. */
  readonly fingerprint?: string | null;
  readonly tokenFile?: string | undefined;
  /** More arguments: JSON first, then flags. */
  readonly more?: readonly string[];
}

export class World {
  readonly home: Home;
  relay: Program;
  service: Program;
  readonly relayUrl: string;
  readonly relayToken: string;
  readonly relayTokenFile: string;
  readonly serviceId: string;
  fingerprint: string;
  #anybody: Service | null = null;

  private constructor(home: Home, relay: Program, service: Program, facts: Record<string, string>) {
    this.home = home;
    this.relay = relay;
    this.service = service;
    this.relayUrl = facts.relay ?? '';
    this.serviceId = facts.serviceId ?? '';
    this.fingerprint = facts.fingerprint ?? '';
    this.relayToken = facts.relayToken ?? '';
    this.relayTokenFile = home.secret('client/relay-token', `${this.relayToken}\n`);
  }

  /** Starts all of it; resolves once the service says that it is ready: from then on it can be called. */
  static async start(more: { relay?: readonly string[]; service?: readonly string[] } = {}): Promise<World> {
    const home = new Home();
    try {
      const relay = home.spawn(...relayArgs(home, '127.0.0.1:0'), ...(more.relay ?? []));
      const url = String((await relay.event('ready')).url);
      const ofRelay = ['--data', home.path('relay')];
      const [{ token }, minted] = await Promise.all([
        home.result('relay', 'enrolment-token', ...ofRelay),
        home.result('relay', 'client-token', '--user', 'anna', ...ofRelay),
      ]);
      const enrolment = home.secret('enrolment-token', String(token));
      home.secret('password', `${superadminPassword}\n`);
      home.setUpService();
      const start = [...serviceArgs(home, url), '--enrolment-token-file', enrolment, '--json'];
      const service = home.spawn(...start, ...(more.service ?? []));
      const ready = (await service.event('ready')) as Record<string, string>;
      return new World(home, relay, service, { ...ready, relayToken: String(minted.token) });
    } catch (error) {
      await home.close();
      throw error;
    }
  }

  get data(): string {
    return this.home.path('service');
  }

  get log(): string {
    return this.home.path('service', 'requests', 'requests.db');
  }

  rows(): LoggedRow[] {
    return loggedRows(this.log);
  }

  /** Resolves once the relay says that the service is online. */
  async online(withinMs = 20_000): Promise<void> {
    await until(
      'the service is online',
      async () => {
        const { json } = await this.home.run('services', ...this.relayFlags, '--json');
        return JSON.stringify(json).includes(this.serviceId);
      },
      withinMs,
    );
  }

  /** Starts the relay again on its folder and port; the old one must have ended. */
  async restartRelay(): Promise<void> {
    this.relay = this.home.spawn(...relayArgs(this.home, new URL(this.relayUrl).host));
    await this.relay.event('ready');
  }

  /** Starts the service again on its data folder; the old one must have ended. */
  async restartService(): Promise<void> {
    this.service = this.home.spawn(...serviceArgs(this.home, this.relayUrl), '--json');
    this.fingerprint = String((await this.service.event('ready')).fingerprint);
  }

  get relayFlags(): readonly string[] {
    return ['--relay', this.relayUrl, '--relay-token-file', this.relayTokenFile];
  }

  /** `gatehouse call … --json`. */
  call(rpc: string, options: CallOptions = {}): Promise<Ran> {
    const { fingerprint = this.fingerprint, tokenFile, more = [] } = options;
    const trust = fingerprint === null ? [] : ['--fingerprint', fingerprint];
    const token = tokenFile === undefined ? [] : ['--access-token-file', tokenFile];
    return this.home.run(
      'call',
      this.serviceId,
      rpc,
      ...more,
      ...this.relayFlags,
      ...trust,
      ...token,
      '--json',
    );
  }

  /** A one-shot `gatehouse service …` on the data folder, which must succeed. */
  admin(...args: readonly string[]): Promise<Record<string, unknown>> {
    return this.home.result('service', ...args, '--data', this.data);
  }

  /** Changes a setting, and resolves once the running service follows, which it must within a second. */
  async setting(name: keyof typeof capabilityOf, value: boolean): Promise<void> {
    await this.admin('settings', 'set', `service.e2ee.${name}`, String(value));
    let answer = '';
    const follows = async (): Promise<boolean> => {
      try {
        const told = (await this.capabilities())[capabilityOf[name]];
        answer = String(told);
        return told === value;
      } catch (error) {
        answer = String(error); // the session that asks may be one that the change ends
        return false;
      }
    };
    await until(
      () => `the running service follows ${name} (last answer: ${answer})`,
      follows,
      withinASecondMs,
    );
  }

  /** Whoever asks without end-to-end encryption. The change that is waited for may end the very session that this begins with. */
  async #unsecured(): Promise<Service> {
    const client = await this.client({ useE2eeDefault: 'never', onWarning: () => undefined });
    return client.serviceCloud(this.serviceId);
  }

  /** What the service requires, as it says to everybody. */
  async capabilities(): Promise<Partial<Record<string, unknown>>> {
    const anybody = this.#anybody ?? (await this.#unsecured());
    this.#anybody = anybody;
    const { e2ee } = (await anybody.call('capabilities')) as { e2ee: Record<string, unknown> };
    return e2ee;
  }

  /** Makes an access token, and resolves once the running service knows it, which it must within a second. */
  async accessToken(user: string, ...more: readonly string[]): Promise<AccessToken> {
    const { id, token } = (await this.admin('token', 'create', '--user', user, ...more)) as Record<
      string,
      string
    >;
    if (id === undefined || token === undefined) throw new Error('token create printed no token');
    await this.#known(token);
    return { id, token, file: this.home.secret(`client/${id}`, `${token}\n`) };
  }

  /** Tries seldom: a failure makes the answer to the next one wait. */
  async #known(accessToken: string): Promise<void> {
    const isKnown = async (): Promise<boolean> => {
      await delay(200);
      const known = await this.open({ accessToken }).catch(() => null);
      known?.close();
      return known !== null;
    };
    await until('the running service knows a new access token', isKnown, withinASecondMs);
  }

  /** A client of the library in this process, closed with the world. */
  async client(options: Partial<LoginOptions> = {}): Promise<Client> {
    const { relayUrl: relay, relayToken } = this;
    return this.home.keep(await login({ relay, relayToken, ...options }));
  }

  /** The service as a new client of the library addresses it, by default with its fingerprint. */
  async open(credentials: ServiceCredentials = {}, options: Partial<LoginOptions> = {}): Promise<Service> {
    const client = await this.client(options);
    return client.serviceCloud(this.serviceId, { e2eeFingerprint: this.fingerprint, ...credentials });
  }

  close(): Promise<void> {
    return this.home.close();
  }
}

function relayArgs(home: Home, listen: string): readonly string[] {
  return ['relay', '--listen', listen, '--data', home.path('relay'), '--domain', 'PROD', '--json'];
}

export function serviceArgs(home: Home, relay: string, data = home.path('service')): readonly string[] {
  return ['service', '--relay', relay, '--data', data, '--password-file', home.path('password')];
}
