// A real service, and clients of the library, at a relay that lies. The service is a process of what was built.
// Must never let a test pass because the service was not there: `open` waits for it.
import { login } from '../../shared/client/index.ts';
import type { Client, LoginOptions, Service, ServiceCredentials } from '../../shared/client/index.ts';
import { HostileRelay } from '../../shared/testing/hostile-relay.ts';
import type { HostileScript } from '../../shared/testing/hostile-relay.ts';
import { post, RawClient } from '../../shared/testing/raw-client.ts';
import { Home } from '../support/home.ts';
import type { Program } from '../support/program.ts';
import { loggedRows } from '../support/request-log.ts';
import type { LoggedRow } from '../support/request-log.ts';
import { until } from '../support/waiting.ts';
import { serviceArgs, superadminPassword } from '../support/world.ts';

/** Short, so that a relay that stays silent costs a test little; in milliseconds. */
const timeouts = { connectMs: 1000, handshakeMs: 1000, callMs: 1500 };

export class HostileWorld {
  readonly home: Home;
  readonly relay: HostileRelay;
  readonly service: Program;
  readonly serviceId: string;
  readonly fingerprint: string;
  /** Warnings that clients of this world were given. */
  readonly warnings: string[] = [];

  private constructor(home: Home, relay: HostileRelay, service: Program, ready: Record<string, unknown>) {
    this.home = home;
    this.relay = relay;
    this.service = service;
    this.serviceId = String(ready.serviceId);
    this.fingerprint = String(ready.fingerprint);
  }

  static async start(): Promise<HostileWorld> {
    const home = new Home();
    const relay = await HostileRelay.start();
    try {
      home.secret('password', superadminPassword);
      const service = home.spawn(...serviceArgs(home, relay.url), '--json');
      const world = new HostileWorld(home, relay, service, await service.event('ready'));
      await world.online();
      return world;
    } catch (error) {
      await home.close();
      await relay.close();
      throw error;
    }
  }

  /** Resolves once the service has enrolled. */
  async online(): Promise<void> {
    await until('the service is online at the hostile relay', () => this.relay.serviceOnline, 20_000);
  }

  /** From now on the relay does this, and what it has kept is forgotten. */
  async play(script: HostileScript): Promise<void> {
    await this.online();
    this.relay.forget();
    this.relay.script = script;
    this.warnings.length = 0;
  }

  async client(options: Partial<LoginOptions> = {}): Promise<Client> {
    const onWarning = (message: string): void => void this.warnings.push(message);
    return this.home.keep(await login({ relay: this.relay.url, timeouts, onWarning, ...options }));
  }

  /** The service as a new client addresses it: by its fingerprint, where no credentials are given. */
  async open(credentials?: ServiceCredentials, options: Partial<LoginOptions> = {}): Promise<Service> {
    const client = await this.client(options);
    return client.serviceCloud(this.serviceId, credentials ?? { e2eeFingerprint: this.fingerprint });
  }

  /** Runs with a client that does as it is told. */
  async raw<T>(work: (client: RawClient) => Promise<T>): Promise<T> {
    const client = new RawClient(this.relay.url);
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  }

  /** A new access token, once the running service takes it. */
  async accessToken(user: string): Promise<string> {
    const { token } = await this.admin('token', 'create', '--user', user);
    const accessToken = String(token);
    await until('the service takes a new token', async () => {
      return (await codeOf(this.open({ e2eeFingerprint: this.fingerprint, accessToken }))) === null;
    });
    return accessToken;
  }

  admin(...args: readonly string[]): Promise<Record<string, unknown>> {
    return this.home.result('service', ...args, '--data', this.home.path('service'));
  }

  /** Changes the setting, and waits until the service follows: sessions that are open then end. */
  async requireVerification(isRequired: boolean): Promise<void> {
    await this.play({});
    await this.admin('settings', 'set', 'service.e2ee.require_e2ee_session_verification', String(isRequired));
    await until(
      'the service follows its settings',
      () =>
        this.raw(async (client) => {
          const plain = await client.open('plain', this.serviceId);
          const { body } = await post(plain, '/rpc/capabilities', '');
          return body.includes(`"sessionVerificationRequired":${isRequired}`);
        }).catch(() => false), // the change itself ends what is open
    );
  }

  /** The process is the one that was started, and a client with its fingerprint gets an answer. */
  async expectService(): Promise<void> {
    if (!this.service.running) {
      throw new Error(
        `The service ended: ${JSON.stringify(await this.service.exited)} ${this.service.stderr}`,
      );
    }
    await this.play({ clientId: 'good' });
    const service = await this.open();
    await service.call('ping');
  }

  rows(): LoggedRow[] {
    return loggedRows(this.home.path('service', 'requests', 'requests.db'));
  }

  /** How many requests have been let in so far; rejections are none. */
  requestCount(): number {
    return this.rows().filter((row) => row.rejection_code === null).length;
  }

  async close(): Promise<void> {
    await this.home.close();
    await this.relay.close();
  }
}

/** The code that `work` fails with; `null` where it succeeds. */
export async function codeOf(work: Promise<unknown>): Promise<string | null> {
  try {
    await work;
    return null;
  } catch (error) {
    return typeof error === 'object' && error !== null && 'code' in error
      ? String(error.code)
      : String(error);
  }
}
