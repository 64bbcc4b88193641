// The seed's Device: an app's device on its way to one agent. It learns the agent's key, registers against it, and starts
// sessions with the agent of that key alone: with any other key at the agent it stops before it sends anything.
import { deviceHeaders, type RegisterBody } from '../contracts/device-api.ts';
import { GatehouseError } from '../contracts/errors.ts';
import { beginStart } from './app-handshake.ts';
import { AppSession } from './app-session.ts';
import { textOf, utf8, type Bytes } from './bytes.ts';
import { steadyClock, type Clock } from './clock.ts';
import type { DeviceKey } from './device-key.ts';
import { newIdentity, publicKeyFromJwk, type Identity, type PublicKey } from './identity.ts';
import { startAnswerLength } from './handshake.ts';
import { parseRegistrationCode, registrationProof, verifyRegistrationProof } from './registration.ts';
import { collect, RelayApi, type RelayApiOptions } from './relay-api.ts';
import { Session } from './session.ts';
import { userOf, type TokenProvider } from './token-provider.ts';
import { downloadDocument, type DocumentKey, type DownloadOptions } from './document-download.ts';

const maxJsonLength = 64 * 1024;
const sessionIdForm = /^[A-Za-z0-9_-]{16,64}$/;

export interface DeviceOptions extends RelayApiOptions {
  readonly clock?: Clock;
}

/** The agent as it showed itself: for people to compare before they trust it. */
export interface Agent extends PublicKey {
  readonly serviceId: string;
  readonly name: string;
}

export interface RegisterOptions {
  /** The administrator's one-time code; with it both sides are confirmed at once. */
  readonly code?: string;
  /** True for a key store that encrypts keys itself (`KeyStore.extractable`). */
  readonly extractable?: boolean;
}

export class Device {
  readonly #api: RelayApi;
  readonly #clock: Clock;
  #agent: Agent | null = null;

  /** @throws GatehouseError `usage` for a relay's address that is not https:// */
  constructor(tokens: TokenProvider, options: DeviceOptions) {
    this.#api = new RelayApi(tokens, options);
    this.#clock = options.clock ?? steadyClock();
  }

  /** What `loadAgentInfo` found. @throws GatehouseError `usage` before that */
  get agent(): Agent {
    if (this.#agent !== null) return this.#agent;
    throw new GatehouseError('usage', 'Call loadAgentInfo() first.');
  }

  /** Asks for the agent's key. Nothing vouches for it yet. @throws GatehouseError as `RelayApi.call` */
  async loadAgentInfo(): Promise<Agent> {
    this.#agent = await this.#askAgent();
    return this.#agent;
  }

  /**
   * Makes a key and registers it for the user of the token, with the agent that `loadAgentInfo` found. Without a code the
   * device stays pending: `login` throws `device_pending` until the administrator has compared both fingerprints.
   * @throws GatehouseError `registration_code_invalid`, `AGENT_NOT_AUTHENTIC`, or a refusal's code
   */
  async registerAs(name: string, { code, extractable = false }: RegisterOptions = {}): Promise<DeviceKey> {
    const { agent } = this;
    const { serviceId } = this.#api;
    const identity = await newIdentity({ extractable });
    const { issuer, subject } = userOf(await this.#api.token());
    const { point, fingerprint, jwk } = agent;
    const key = { identity, agent: { point, fingerprint, jwk }, serviceId, issuer, subject };
    if (code === undefined) {
      await this.#register(name, identity);
      return { ...key, proved: false };
    }
    const secret = parseRegistrationCode(code);
    const facts = { serviceId, issuer, subject, agentPoint: agent.point, devicePoint: identity.point };
    const answer = await this.#register(name, identity, await registrationProof('device', secret, facts));
    const proof = typeof answer.proof === 'string' ? answer.proof : '';
    if (!(await verifyRegistrationProof('agent', secret, facts, proof))) throw notProved();
    return { ...key, proved: true };
  }

  /**
   * Starts a session. The agent has to be the one that `key` was registered against.
   * @throws GatehouseError `AGENT_PUBLIC_KEY_CHANGED` before anything is sent, `AGENT_NOT_AUTHENTIC`, or a refusal's code
   */
  async login(key: DeviceKey): Promise<Session> {
    const agent = this.#agent ?? (await this.loadAgentInfo());
    const first = await this.#start(key, agent);
    return new Session(this.#api, first, async () => this.#start(key, await this.#askAgent()));
  }

  /** The plaintext of one document version, from `offset` on; goes on by itself after a broken connection. */
  download(document: DocumentKey, options: DownloadOptions = {}): AsyncGenerator<Bytes> {
    return downloadDocument(this.#api, document, options);
  }

  /** Forgets the agent. Sessions are closed on their own. */
  [Symbol.dispose](): void {
    this.#agent = null;
  }

  async #askAgent(): Promise<Agent> {
    const { body } = await this.#api.call('agentinfo');
    const info = parseJson(await collect(body, maxJsonLength));
    const key = await publicKeyFromJwk(info.publicKey);
    const { serviceId, name, fingerprint } = info;
    if (serviceId !== this.#api.serviceId || fingerprint !== key.fingerprint || typeof name !== 'string') {
      throw new GatehouseError('relay_protocol', 'What the relay says about the agent contradicts itself.');
    }
    return { ...key, serviceId: this.#api.serviceId, name };
  }

  async #register(
    name: string,
    identity: Identity,
    proof?: string,
  ): Promise<Readonly<Record<string, unknown>>> {
    const { fingerprint, jwk } = identity;
    const device = { Device: name, DeviceFingerprint: fingerprint, PublicKey: { ...jwk } };
    const body: RegisterBody = proof === undefined ? device : { ...device, Proof: proof };
    const answer = await this.#api.call('register', {
      contentType: 'application/json',
      body: utf8(JSON.stringify(body)),
    });
    return parseJson(await collect(answer.body, maxJsonLength));
  }

  async #start(key: DeviceKey, agent: PublicKey): Promise<AppSession> {
    if (agent.fingerprint !== key.agent.fingerprint || key.serviceId !== this.#api.serviceId) throw changed();
    const { identity, serviceId, issuer, subject } = key;
    const start = await beginStart({ identity, agentPublicKey: key.agent, serviceId, issuer, subject });
    const answer = await this.#api.call('start', {
      headers: { [deviceHeaders.device]: identity.fingerprint },
      contentType: 'application/octet-stream',
      body: start.message,
    });
    const bytes = await collect(answer.body, startAnswerLength);
    const sessionId = sessionIdForm.exec(answer.sessionId ?? '')?.[0] ?? '';
    return new AppSession({ sessionId, ...(await start.finish(bytes, sessionId)), clock: this.#clock });
  }
}

function parseJson(bytes: Bytes): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(textOf(bytes))) as Record<string, unknown>;
  } catch {
    throw new GatehouseError('relay_protocol', 'The relay’s answer is no JSON. Check its address.');
  }
}

function notProved(): GatehouseError {
  const message =
    'The agent did not prove that it knows the registration code. Ask the administrator for a new one, and compare fingerprints.';
  return new GatehouseError('AGENT_NOT_AUTHENTIC', message);
}

function changed(): GatehouseError {
  const message =
    'The agent has another public key than the one this device was registered against. Nothing was sent. Ask the administrator whether the key was replaced, and register again only then.';
  return new GatehouseError('AGENT_PUBLIC_KEY_CHANGED', message);
}
