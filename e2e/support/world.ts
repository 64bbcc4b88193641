// A whole world on loopback: a relay that wants tokens, a service that enrolled with one, and a client's token.
// All real processes of what was built; data in a temporary folder.
import { login } from '../../shared/client/index.ts';
import type { Client, LoginOptions, Service, ServiceCredentials } from '../../shared/client/index.ts';
import { Home } from './home.ts';
import type { Ran } from './home.ts';
import type { Program } from './program.ts';
import { loggedRows } from './request-log.ts';
import type { LoggedRow } from './request-log.ts';
import { until } from './waiting.ts';

export const superadminPassword = 'correct horse battery staple';

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

  private constructor(home: Home, relay: Program, service: Program, facts: Record<string, string>) {
    this.home = home;
    this.relay = relay;
    this.service = service;
    this.relayUrl = facts['relay'] ?? '';
    this.serviceId = facts['serviceId'] ?? '';
    this.fingerprint = facts['fingerprint'] ?? '';
    this.relayToken = facts['relayToken'] ?? '';
    this.relayTokenFile = home.secret('client/relay-token', `${this.relayToken}\n`);
  }

  /** Starts all of it; resolves once the service is online at the relay. */
  static async start(): Promise<World> {
    const home = new Home();
    try {
      const relay = home.spawn('relay', '--listen', '127.0.0.1:0', '--data', home.path('relay'), '--domain', 'PROD', '--json');
      const url = String((await relay.event('ready'))['url']);
      const { token } = await home.result('relay', 'enrolment-token', '--data', home.path('relay'));
      const enrolment = home.secret('enrolment-token', String(token));
      home.secret('password', `${superadminPassword}\n`);
      const minted = await home.result('relay', 'client-token', '--user', 'anna', '--data', home.path('relay'));
      const service = home.spawn(...serviceArgs(home, url), '--enrolment-token-file', enrolment, '--json');
      const ready = (await service.event('ready')) as Record<string, string>;
      const world = new World(home, relay, service, { ...ready, relayToken: String(minted['token']) });
      await world.online();
      return world;
    } catch (error) {
      await home.close();
      throw error;
    }
  }

  get data(): string {
    return this.home.path('service');
  }

  get log(): string {
    return this.home.path('service', 'requests.db');
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

  /** Starts the service again on its data folder; the old one must have ended. */
  async restartService(...more: readonly string[]): Promise<void> {
    this.service = this.home.spawn(...serviceArgs(this.home, this.relayUrl), '--json', ...more);
    this.fingerprint = String((await this.service.event('ready'))['fingerprint']);
    await this.online();
  }

  get relayFlags(): readonly string[] {
    return ['--relay', this.relayUrl, '--relay-token-file', this.relayTokenFile];
  }

  /** `gatehouse call … --json`. */
  call(rpc: string, options: CallOptions = {}): Promise<Ran> {
    const { fingerprint = this.fingerprint, tokenFile, more = [] } = options;
    const trust = fingerprint === null ? [] : ['--fingerprint', fingerprint];
    const token = tokenFile === undefined ? [] : ['--access-token-file', tokenFile];
    return this.home.run('call', this.serviceId, rpc, ...more, ...this.relayFlags, ...trust, ...token, '--json');
  }

  /** A one-shot `gatehouse service …` on the data folder, which must succeed. */
  admin(...args: readonly string[]): Promise<Record<string, unknown>> {
    return this.home.result('service', ...args, '--data', this.data);
  }

  setting(name: 'require_e2ee' | 'require_e2ee_session_verification', value: boolean): Promise<unknown> {
    return this.admin('settings', 'set', `service.e2ee.${name}`, String(value));
  }

  async accessToken(user: string, ...more: readonly string[]): Promise<AccessToken> {
    const { id, token } = (await this.admin('token', 'create', '--user', user, ...more)) as Record<string, string>;
    if (id === undefined || token === undefined) throw new Error('token create printed no token');
    return { id, token, file: this.home.secret(`client/${id}`, `${token}\n`) };
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

export function serviceArgs(home: Home, relay: string, data = home.path('service')): readonly string[] {
  return ['service', '--relay', relay, '--data', data, '--password-file', home.path('password')];
}
