// One device session at the service: whose it is, the session protocol's state, and the calls that run in it. Its keys are
// the protocol's to keep; nothing in here may hold one, or what was asked.
import type { DeviceSessionView } from '../../../shared/contracts/console/devices.ts';
import type { GatehouseError } from '../../../shared/contracts/errors.ts';
import { AgentSession } from '../../../shared/device/agent.ts';
import type { Clock, DeviceSessionLimits, SessionKeys } from '../../../shared/device/agent.ts';
import { EndpointSession } from '../endpoint/session.ts';
import type { DeviceRecord } from './device-file.ts';

export interface DeviceSessionFacts {
  readonly id: string;
  readonly device: DeviceRecord;
  /** The relay's word. */
  readonly clientId: string;
  readonly keys: SessionKeys;
  readonly limits: DeviceSessionLimits;
  readonly clock: Clock;
}

/** What runs in a session and ends with it. */
export interface Running {
  /** Breaks it off, so that the caller sees no complete answer. */
  abort(): void;
}

export class DeviceSession {
  readonly id: string;
  readonly deviceId: string;
  readonly issuer: string;
  readonly subject: string;
  readonly protocol: AgentSession;
  /** As the request log and the handlers see it. */
  readonly endpoint: EndpointSession;
  readonly #deviceName: string;
  readonly #limits: DeviceSessionLimits;
  readonly #running = new Set<Running>();

  /** `onEnd` is called once when the keys are gone; with the reason where the service ended it. */
  constructor(facts: DeviceSessionFacts, onEnd: (session: DeviceSession) => void) {
    const { id, device, clientId, keys, limits, clock } = facts;
    this.id = id;
    this.deviceId = device.id;
    this.issuer = device.issuer;
    this.subject = device.subject;
    this.#deviceName = device.name;
    this.#limits = limits;
    this.protocol = new AgentSession({
      ...{ sessionId: id, keys, limits, clock },
      onEnd: () => {
        this.endpoint.closed();
        onEnd(this);
      },
    });
    const { fingerprint, issuer, subject } = device;
    const deviceFacts = { deviceId: device.id, deviceName: device.name, fingerprint, issuer, subject };
    const startedAt = Date.now();
    this.endpoint = new EndpointSession(
      { id, clientId, h2: false, tls: null, startedAt, device: deviceFacts },
      () => {
        this.#close();
      },
    );
  }

  /** Whether its device has shown by a first authentic request that it has the keys. */
  get live(): boolean {
    return this.protocol.state !== 'started';
  }

  /** Requests under way. */
  get running(): number {
    return this.#running.size;
  }

  /** Ends the session and all that runs in it, at once. */
  end(reason: GatehouseError): void {
    this.endpoint.end(reason);
  }

  /** Returns what is called when it is over. */
  runs(running: Running): () => void {
    this.#running.add(running);
    return () => this.#running.delete(running);
  }

  view(): DeviceSessionView {
    const { protocol, endpoint } = this;
    return {
      id: this.id,
      deviceId: this.deviceId,
      deviceName: this.#deviceName,
      subject: this.subject,
      startedAt: endpoint.facts.startedAt,
      // By the protocol's own clock: the wall clock may have jumped since the start.
      endsAt: Math.round(Date.now() + this.#limits.lifetimeSeconds * 1000 - protocol.ageMs),
      requests: protocol.requests,
      maxRequests: this.#limits.requests,
      replaysRefused: protocol.replays,
    };
  }

  #close(): void {
    this.protocol.end();
    for (const running of this.#running) running.abort();
    this.#running.clear();
  }
}
