// An agent and the relay before it in one `fetch`, for tests of the app's side of device sessions: the protocol is the
// real one, registry and journal are a few maps. `relay` sees every call and may do with it what a hostile relay can.
import {
  answerStart,
  AgentSession,
  errorAnswer,
  newIdentity,
  publicKeyFromJwk,
  registrationProof,
  verifyRegistrationProof,
  type AnswerPayload,
  type Clock,
  type DeviceSessionLimits,
  type Identity,
  type OpenedRequest,
  type PublicKey,
} from '../device/agent.ts';
import { plain, type Bytes } from '../device/bytes.ts';
import { GatehouseError } from '../contracts/errors.ts';
import { FakeClock } from './fake-clock.ts';

export const issuer = 'https://issuer.example';
export const subject = 'anna';
export const serviceId = 'abcd-efgh-ijkl';

/** One call as the relay sees it. */
export interface RelayCall {
  readonly operation: 'agentinfo' | 'register' | 'start' | 'requests';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Bytes;
}

/** What the relay does with a call: by default it passes it on. */
export type Relay = (call: RelayCall, pass: (call: RelayCall) => Promise<Response>) => Promise<Response>;

export type Handler = (request: OpenedRequest) => AnswerPayload | StreamedBody;
export interface StreamedBody extends AnswerPayload {
  readonly body: Iterable<Uint8Array>;
}

interface Registration {
  readonly PublicKey: unknown;
  readonly Proof?: string;
}

export interface ScriptedAgentOptions {
  readonly clock?: Clock;
  readonly limits?: DeviceSessionLimits;
  readonly handler?: Handler;
  /** PayloadTypes whose answers the journal may give again. */
  readonly idempotent?: readonly string[];
}

export class ScriptedAgent {
  readonly sessions = new Map<string, AgentSession>();
  /** Every request that was executed, by its id: what must never hold one twice. */
  readonly executed: string[] = [];
  readonly calls: RelayCall[] = [];
  relay: Relay = async (call, pass) => pass(call);
  identity!: Identity;
  registrationCode: Bytes | null = null;
  readonly #options: ScriptedAgentOptions;
  readonly #devices = new Map<string, PublicKey>();
  readonly #nonces = new Set<string>();
  readonly #journal = new Map<string, AnswerPayload | null>();
  readonly clock: Clock;
  #ids = 0;

  private constructor(options: ScriptedAgentOptions) {
    this.#options = options;
    this.clock = options.clock ?? new FakeClock();
  }

  static async create(options: ScriptedAgentOptions = {}): Promise<ScriptedAgent> {
    const agent = new ScriptedAgent(options);
    agent.identity = await newIdentity();
    return agent;
  }

  /** For `DeviceOptions.fetch`. */
  readonly fetch = async (input: unknown, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(String(input));
    const operation = url.pathname.split('/').at(-1) as RelayCall['operation'];
    const headers = init.headers as Record<string, string>;
    const call = {
      operation,
      headers,
      body: init.body === undefined ? new Uint8Array() : (init.body as Bytes),
    };
    this.calls.push(call);
    return this.relay(call, this.pass);
  };

  readonly pass = async (call: RelayCall): Promise<Response> => {
    try {
      return await this.#answer(call);
    } catch (error) {
      return problem(error as GatehouseError);
    }
  };

  /** As a restart does: sessions are gone, journal and devices stay. */
  restart(): void {
    for (const session of this.sessions.values()) session.end();
    this.sessions.clear();
  }

  async #answer({ operation, headers, body }: RelayCall): Promise<Response> {
    if (operation === 'agentinfo') return Response.json(this.#info());
    if (operation === 'register')
      return this.#register(JSON.parse(new TextDecoder().decode(body)) as Registration);
    return operation === 'start' ? this.#start(headers.device, body) : this.#request(headers, body);
  }

  #info(): unknown {
    const { fingerprint, jwk } = this.identity;
    const versions = { sessions: '1.0', requests: '2.0' };
    return { serviceId, name: 'Scripted', fingerprint, publicKey: jwk, versions };
  }

  async #register(body: Registration): Promise<Response> {
    const device = await publicKeyFromJwk(body.PublicKey);
    const facts = { serviceId, issuer, subject, agentPoint: this.identity.point, devicePoint: device.point };
    if (this.registrationCode === null) {
      this.#devices.set(device.fingerprint, device);
      return Response.json({ status: 'pending' });
    }
    const code = this.registrationCode;
    if (!(await verifyRegistrationProof('device', code, facts, body.Proof ?? ''))) {
      throw new GatehouseError('registration_code_invalid', 'Wrong.');
    }
    this.registrationCode = null;
    this.#devices.set(device.fingerprint, device);
    return Response.json({ status: 'confirmed', proof: await registrationProof('agent', code, facts) });
  }

  async #start(fingerprint: string | undefined, message: Bytes): Promise<Response> {
    const devicePublicKey = this.#devices.get(fingerprint ?? '');
    if (devicePublicKey === undefined) throw new GatehouseError('device_unknown', 'Unknown.');
    this.#ids += 1;
    const sessionId = `session-${String(this.#ids).padStart(16, '0')}`;
    const { identity } = this;
    const { limits } = this.#options;
    const request = { identity, serviceId, issuer, subject, devicePublicKey, message, sessionId };
    const started = await answerStart({ ...request, ...(limits && { limits }) });
    if (this.#nonces.has(started.nonce)) throw new GatehouseError('device_start_replayed', 'Again.');
    this.#nonces.add(started.nonce);
    const session = new AgentSession({
      sessionId,
      keys: started.keys,
      limits: started.limits,
      clock: this.clock,
    });
    this.sessions.set(sessionId, session);
    return new Response(started.answer, { headers: { 'x-session-id': sessionId } });
  }

  async #request(headers: RelayCall['headers'], body: Bytes): Promise<Response> {
    const session = this.sessions.get(headers['x-session-id'] ?? '');
    if (session === undefined) throw new GatehouseError('SESSION_UNKNOWN', 'Unknown.');
    const request = await session.open(body);
    const answer = this.#execute(request);
    if (!('body' in answer)) return new Response(await session.seal(request.counter, answer));
    const parts: Bytes[] = [];
    for await (const part of session.sealStream(request.counter, answer, answer.body)) parts.push(part);
    return new Response(new Blob(parts));
  }

  #execute(request: OpenedRequest): AnswerPayload | StreamedBody {
    const { requestId, payloadType } = request;
    const before = this.#journal.get(requestId);
    if (before === null) return errorAnswer({ code: 'RESULT_UNKNOWN', message: 'Done before.' });
    if (before !== undefined) return before;
    this.#journal.set(requestId, null);
    this.executed.push(requestId);
    const echo: Handler = ({ payload }) => ({ payloadType: 'echo', payload });
    const answer = (this.#options.handler ?? echo)(request);
    if (this.#options.idempotent?.includes(payloadType) === true) this.#journal.set(requestId, answer);
    return answer;
  }
}

export function problem({ code, message }: Pick<GatehouseError, 'code' | 'message'>, status = 403): Response {
  const body = { type: 'about:blank', title: code, status, code, detail: message };
  return Response.json(body, { status, headers: { 'content-type': 'application/problem+json' } });
}

/** An answer's bytes, for a relay that changes them. */
export async function bytesOf(response: Response): Promise<Bytes> {
  return plain(new Uint8Array(await response.arrayBuffer()));
}

/** `response` with other bytes. */
export function withBytes(response: Response, body: Bytes): Response {
  return new Response(body, { status: response.status, headers: response.headers });
}

/** A JWT's form, with the test user in it. Only the scripted agent takes it. */
export const tokens = {
  token: async (): Promise<string> =>
    `e30.${btoa(JSON.stringify({ iss: issuer, sub: subject }))}.c2ln`.replaceAll('=', ''),
};
