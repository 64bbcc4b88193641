// Serves the streams of kind `device`: verifies whose token it is, then answers agentinfo, register and start, or runs a
// request of a session. Each refusal is a coded problem and a row of the request log. The order is the promise: nothing
// runs that was not authentic, marked as used, and journaled before.
import { asGatehouseError, GatehouseError } from '../../../shared/contracts/errors.ts';
import { maxDeviceFrame } from '../../../shared/contracts/device-api.ts';
import type { DeviceRequestFrame } from '../../../shared/contracts/device-api.ts';
import { errorAnswer } from '../../../shared/device/agent.ts';
import type { Bytes, OpenedRequest } from '../../../shared/device/agent.ts';
import { readPrefixed } from '../../../shared/net/prefixed.ts';
import { StreamDuplex } from '../../../shared/net/stream-duplex.ts';
import type { YamuxStream } from '../../../shared/wire/stream.ts';
import type { DeviceAgent } from '../devices/device-agent.ts';
import type { DeviceRegistry } from '../devices/device-registry.ts';
import type { DeviceSession } from '../devices/device-session.ts';
import type { DeviceSessions } from '../devices/device-sessions.ts';
import type { OidcUser, OidcVerifier } from '../devices/oidc-verifier.ts';
import { problemOf, tellable } from '../devices/problems.ts';
import type { RequestJournal } from '../devices/request-journal.ts';
import { BodyBudget, DeviceCall, parseDeviceFrame } from './device-call.ts';
import { DeviceExchange } from './device-exchange.ts';
import type { KeptAnswer } from './device-exchange.ts';
import type { Router } from './router.ts';
import { EndpointSession } from './session.ts';
import type { DeviceFacts } from './session.ts';
import { SessionTable } from './session-table.ts';
import type { StreamServer } from './stream-acceptor.ts';

export interface DeviceParts {
  readonly agent: DeviceAgent;
  readonly registry: DeviceRegistry;
  readonly sessions: DeviceSessions;
  readonly oidc: OidcVerifier;
  readonly journal: RequestJournal;
}

export interface DeviceStreamsOptions extends DeviceParts {
  readonly router: Router;
  /** Whether this RPC's answer may be given again. */
  readonly idempotent: (rpcName: string) => boolean;
  /** How long a stream may take for its first frame, in milliseconds. */
  readonly frameTimeoutMs?: number;
}

/** Streams at the same time: in all, and of one client. */
const streamLimits = { maxSessions: 8192, maxSessionsPerClient: 2048 };
const maxBodyBytes = 64 * 1024 * 1024;

/** What is known of a call when it is refused. */
interface Claim {
  readonly clientId: string;
  fingerprint: string | null;
  issuer: string | null;
  subject: string | null;
  session: DeviceSession | null;
}

export class DeviceStreams {
  readonly #options: DeviceStreamsOptions;
  readonly #places = new SessionTable(streamLimits);
  readonly #budget = new BodyBudget(maxBodyBytes);

  constructor(options: DeviceStreamsOptions) {
    this.#options = options;
  }

  readonly serve: StreamServer = (stream, clientId, rest) => {
    const options = { maxLength: maxDeviceFrame, rest };
    const refused = (error: GatehouseError): void => {
      this.#reject(newClaim(clientId), error);
    };
    readPrefixed(
      stream,
      this.#options.frameTimeoutMs ?? 10_000,
      {
        failed: refused,
        arrived: (prefixed) => {
          this.#open(stream, clientId, prefixed);
        },
      },
      options,
    );
  };

  #open(stream: YamuxStream, clientId: string, { json, rest }: { json: unknown; rest: Uint8Array }): void {
    const call = new DeviceCall(new StreamDuplex(stream, rest), this.#budget);
    const claim = newClaim(clientId);
    try {
      call.onClosed(this.#places.takePlace(clientId));
      const frame = parseDeviceFrame(json);
      void this.#answer(call, frame, claim).catch((error: unknown) => {
        this.#refuse(call, claim, error);
      });
    } catch (error) {
      this.#refuse(call, claim, error);
    }
  }

  async #answer(call: DeviceCall, frame: DeviceRequestFrame, claim: Claim): Promise<void> {
    if (frame.operation === 'start') claim.fingerprint = frame.device;
    const body = await call.readBody(frame.operation);
    const user = await this.#options.oidc.verify(frame.token);
    claim.issuer = user.issuer;
    claim.subject = user.subject;
    if (frame.operation === 'request') return this.#request(call, user, { id: frame.sessionId, body }, claim);
    if (frame.operation === 'start')
      return this.#start(call, user, { fingerprint: frame.device, body }, claim);
    const { agent } = this.#options;
    const json = frame.operation === 'agentinfo' ? agent.info() : await agent.register(user, body);
    call.answer({ status: 200, contentType: 'application/json' }, Buffer.from(JSON.stringify(json)));
  }

  async #start(
    call: DeviceCall,
    user: OidcUser,
    { fingerprint, body: message }: { fingerprint: string; body: Bytes },
    { clientId }: Claim,
  ): Promise<void> {
    const { session, answer } = await this.#options.agent.start({ user, fingerprint, message, clientId });
    const frame = { status: 200, contentType: 'application/octet-stream', sessionId: session.id } as const;
    call.answer(frame, answer);
  }

  async #request(
    call: DeviceCall,
    { issuer, subject }: OidcUser,
    { id, body }: { id: string; body: Bytes },
    claim: Claim,
  ): Promise<void> {
    const { sessions, registry, journal } = this.#options;
    const session = sessions.find(id);
    // Another user's session is told apart from none at all by nobody.
    if (session.issuer !== issuer || session.subject !== subject) throw unknownSession();
    claim.session = session;
    claim.fingerprint = session.endpoint.facts.device?.fingerprint ?? null;
    const request = await session.protocol.open(body);
    sessions.used(session);
    registry.seen(session.deviceId);
    const exchange = new DeviceExchange(request, session, call, (answer) => {
      if (!this.#options.idempotent(request.payloadType)) return;
      journal.finish(session.deviceId, request.requestId, encodeKept(answer));
    });
    const refusal = await this.#take(exchange, session, request);
    if (refusal !== null) {
      this.#rejectIn(session, request, refusal);
      await exchange.answer(errorAnswer(refusal));
    }
  }

  /** Runs the request, or gives its kept answer again; why not, where neither. */
  async #take(
    exchange: DeviceExchange,
    session: DeviceSession,
    { requestId, payloadType, firstSession }: OpenedRequest,
  ): Promise<GatehouseError | null> {
    try {
      if (!this.#wouldKnow(session, payloadType, firstSession)) {
        return firstSession === undefined ? outlived() : resultUnknown();
      }
      const earlier = await this.#options.journal.begin(session.deviceId, requestId);
      if (earlier === null) await this.#options.router.handle(exchange, session.endpoint);
      else if (earlier === 'unknown') return resultUnknown();
      else {
        const kept = decodeKept(earlier.answer);
        await this.#options.router.answerAgain(exchange, session.endpoint, payloadType, kept);
      }
      return null;
    } catch (error) {
      return tellable(asGatehouseError(error));
    }
  }

  /** Whether this request cannot have run without the journal knowing, where that matters. */
  #wouldKnow({ deviceId, id }: DeviceSession, payloadType: string, firstSession = id): boolean {
    if (this.#options.idempotent(payloadType)) return true;
    return this.#options.journal.reachesBackTo(deviceId, firstSession);
  }

  #refuse(call: DeviceCall, claim: Claim, error: unknown): void {
    const coded = asGatehouseError(error);
    this.#reject(claim, coded);
    const problem = problemOf(tellable(coded));
    const body = Buffer.from(JSON.stringify(problem));
    call.answer({ status: problem.status, contentType: 'application/problem+json' }, body);
  }

  #rejectIn(
    { endpoint }: DeviceSession,
    { counter, payloadType }: OpenedRequest,
    error: GatehouseError,
  ): void {
    const rpcName = /^[a-z][a-z0-9_.-]{0,63}$/.test(payloadType) ? payloadType : '';
    this.#options.router.reject(endpoint, { rpcName, error, counter });
  }

  /** A replay was authentic once; whatever else was refused is a claim. */
  #reject({ clientId, session, ...claimed }: Claim, error: GatehouseError): void {
    const { counter } = error.details;
    if (session !== null && typeof counter === 'number') {
      return this.#options.router.reject(session.endpoint, { rpcName: '', error, counter });
    }
    const device: DeviceFacts = { deviceId: null, deviceName: null, ...claimed };
    const facts = { id: session?.id ?? '', clientId, h2: false, tls: null, startedAt: Date.now(), device };
    this.#options.router.reject(new EndpointSession(facts, nothing), { rpcName: '', error });
  }
}

/** The status as two bytes, then the body. */
function encodeKept({ status, body }: KeptAnswer): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(status);
  return Buffer.concat([head, body]);
}

function decodeKept(bytes: Buffer): KeptAnswer {
  return { status: bytes.readUInt16BE(0), body: bytes.subarray(2) };
}

function newClaim(clientId: string): Claim {
  return { clientId, fingerprint: null, issuer: null, subject: null, session: null };
}

function unknownSession(): GatehouseError {
  return new GatehouseError('SESSION_UNKNOWN', 'There is no device session of this id. Start a new one.');
}

function resultUnknown(): GatehouseError {
  const message =
    'The request was accepted before, and what came of it is not known. Look whether it was done before you send another.';
  return new GatehouseError('RESULT_UNKNOWN', message);
}

/** Inside the session's encryption, so the app may believe it. */
function outlived(): GatehouseError {
  const message =
    'The journal of requests no longer reaches back to the start of this session, so the request was not carried out. Send it in a new session.';
  return new GatehouseError('SESSION_EXPIRED', message);
}

function nothing(): void {}
