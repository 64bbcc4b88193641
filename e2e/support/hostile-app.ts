// What the specs of hostile relays share: a world with a proxy that lies, an app in this process, and a count of what the
// service really did. The app is the library itself.
import type { Page } from '@playwright/test';
import { SignIn } from '../../shared/client/index.ts';
import { isErrorCode } from '../../shared/contracts/errors.ts';
import { Device } from '../../shared/device/index.ts';
import type { DeviceKey, Session } from '../../shared/device/index.ts';
import { ConsoleBrowser } from './browser.ts';
import { DeviceWorld } from './device-world.ts';
import type { Answer, Tamper } from './hostile-proxy.ts';
import { until, within } from './waiting.ts';

export class HostileApp {
  readonly devices: DeviceWorld;
  readonly #browser: ConsoleBrowser;
  readonly #page: Page;
  #tokens!: SignIn;
  key!: DeviceKey;
  session!: Session;

  private constructor(devices: DeviceWorld, browser: ConsoleBrowser, page: Page) {
    this.devices = devices;
    this.#browser = browser;
    this.#page = page;
  }

  /** Signed in as anna, with a confirmed device and a session. */
  static async start(requestLimit: number): Promise<HostileApp> {
    const [devices, browser] = await Promise.all([DeviceWorld.start(), ConsoleBrowser.open()]);
    const setting = 'service.device_sessions.max_requests';
    await devices.world.admin('settings', 'set', setting, String(requestLimit));
    const app = new HostileApp(devices, browser, await (await browser.person()).newPage());
    await app.signIn('anna');
    app.key = await app.#register();
    app.session = await app.device().login(app.key);
    return app;
  }

  set tamper(tamper: Tamper | null) {
    this.devices.proxy.tamper = tamper;
  }

  /** Does `tamper` to requests; the rest passes. */
  set tamperRequests(tamper: Tamper) {
    this.tamper = (passing, forward) =>
      passing.path.includes('/api/requests') ? tamper(passing, forward) : forward();
  }

  device(): Device {
    const { proxy, world } = this.devices;
    return new Device(this.#tokens, { relay: proxy.url, serviceId: world.serviceId, timeoutMs: 8000 });
  }

  /** The tokens that the app uses from now on are this user's. */
  async signIn(user: string): Promise<SignIn> {
    await this.#page.context().clearCookies();
    await this.devices.logIn(this.#page, user);
    const signIn = await SignIn.open(this.devices.world.home.path('client'), this.devices.proxy.url);
    if (signIn === null) throw new Error('login kept nothing');
    return (this.#tokens = signIn);
  }

  /** A request that the service counts. */
  async ping(mark: string, options: { idempotent?: boolean; on?: Session } = {}): Promise<unknown> {
    const { on = this.session, idempotent = false } = options;
    return within(20_000, mark, on.request('ping', { echo: mark }, { idempotent }));
  }

  /** How many pings were done in device sessions while `work` ran, and what it ended with. */
  async counted(work: () => Promise<unknown>): Promise<{ done: number; ended: string }> {
    const before = this.#runs();
    const ended = await work().then(
      () => 'done',
      (error: unknown) => codeOf(error),
    );
    const { world } = this.devices;
    await until('nothing is under way', () => world.rows().every(({ status }) => status !== 'RUNNING'));
    return { done: this.#runs() - before, ended };
  }

  /** Codes of refusals and errors in the service's log. */
  logged(): unknown[] {
    return this.devices.world
      .rows()
      .flatMap(({ rejection_code, error_code }) => [rejection_code, error_code]);
  }

  async close(): Promise<void> {
    this.session.close();
    await this.#browser.close();
    await this.devices.close();
  }

  #runs(): number {
    const isPing = (row: Record<string, unknown>): boolean =>
      row.rpc_name === 'ping' && row.session_kind === 'device' && row.status === 'SUCCESS';
    return this.devices.world.rows().filter(isPing).length;
  }

  async #register(): Promise<DeviceKey> {
    const app = this.device();
    await app.loadAgentInfo();
    const made = await app.registerAs('hostile spec');
    await this.devices.confirm(made.identity.fingerprint);
    await until('the device may sign in', async () => {
      const tried = await app.login(made).catch(() => null);
      tried?.close();
      return tried !== null;
    });
    return made;
  }
}

/** The code of an error; with what an unknown result was told. */
export function codeOf(error: unknown): string {
  const { code, details } = Object(error) as { code?: unknown; details?: { reason?: unknown } };
  if (!isErrorCode(code)) return String(error);
  return typeof details?.reason === 'string' && code === 'RESULT_UNKNOWN'
    ? `${code} ${details.reason}`
    : code;
}

/** A refusal that nobody but the proxy has made. */
export function problem(status: number, code: string): Answer {
  const body = Buffer.from(
    JSON.stringify({ type: 'about:blank', title: code, status, code, detail: 'forged' }),
  );
  return { status, headers: { 'content-type': 'application/problem+json' }, body };
}

export function codeIn(answer: Answer | undefined): unknown {
  return (JSON.parse(answer?.body.toString() ?? '{}') as { code?: unknown }).code;
}

export function withBody(answer: Answer, body: Buffer): Answer {
  return { ...answer, body, headers: { ...answer.headers, 'content-length': String(body.length) } };
}

/** One bit turned. */
export function turned(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  const index = at < 0 ? copy.length + at : at;
  copy.writeUInt8(copy.readUInt8(index) ^ 1, index);
  return copy;
}

/** What a relay would say about the agent that has a key of its own in its place. */
export async function otherAgent(): Promise<{ publicKey: object; fingerprint: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const pair = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  const spki = await crypto.subtle.exportKey('spki', pair.publicKey);
  const fingerprint = Buffer.from(await crypto.subtle.digest('SHA-256', spki)).toString('hex');
  return { publicKey: { kty, crv, x, y }, fingerprint };
}

/** The same, ground out until its fingerprint begins with so many digits of `fingerprint`. */
export async function groundAgent(fingerprint: string, digits: number): ReturnType<typeof otherAgent> {
  for (;;) {
    const theirs = await otherAgent();
    if (theirs.fingerprint.startsWith(fingerprint.slice(0, digits))) return theirs;
  }
}

export function swapAgent(answer: Answer, theirs: object): Answer {
  const info = Object(JSON.parse(answer.body.toString())) as object;
  return withBody(answer, Buffer.from(JSON.stringify({ ...info, ...theirs })));
}
