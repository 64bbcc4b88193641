// The device sessions of a service that are not over, with the limits on how many there may be, and for a while why those
// ended that are. Memory only: a restart ends them all. A device that starts too many loses its own oldest, never
// another's.
import { randomBytes } from 'node:crypto';
import type { DeviceSessionView } from '../../../shared/contracts/console/devices.ts';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { steadyClock } from '../../../shared/device/agent.ts';
import type { Clock } from '../../../shared/device/agent.ts';
import { DeviceSession } from './device-session.ts';
import type { DeviceSessionFacts } from './device-session.ts';

export interface DeviceSessionsLimits {
  readonly inAll: number;
  readonly perDevice: number;
  /** Started and without an authentic request yet: in all, of one device, and for how long in milliseconds. */
  readonly halfStarted: number;
  readonly halfStartedPerDevice: number;
  readonly halfStartedMs: number;
  /** Sessions that are over whose end is remembered. */
  readonly remembered: number;
}

export const defaultDeviceSessionsLimits: DeviceSessionsLimits = {
  inAll: 20_000,
  perDevice: 32,
  halfStarted: 2_000,
  halfStartedPerDevice: 8,
  halfStartedMs: 60_000,
  remembered: 20_000,
};

/** How often half-started sessions are looked at, in milliseconds. */
const sweepMs = 5_000;
const sessionIdBytes = 24;

export class DeviceSessions {
  readonly clock: Clock;
  readonly #limits: DeviceSessionsLimits;
  readonly #sessions = new Map<string, DeviceSession>();
  readonly #ofDevice = new Map<string, Set<DeviceSession>>();
  /** The oldest first. */
  readonly #halfStarted = new Set<DeviceSession>();
  readonly #ended = new Map<string, GatehouseError>();
  readonly #sweep: NodeJS.Timeout;

  constructor(limits: Partial<DeviceSessionsLimits> = {}, clock: Clock = steadyClock()) {
    this.#limits = { ...defaultDeviceSessionsLimits, ...limits };
    this.clock = clock;
    this.#sweep = setInterval(() => {
      this.#dropHalfStarted();
    }, sweepMs).unref();
  }

  /** A random id for a session that is about to start. */
  newId(): string {
    return randomBytes(sessionIdBytes).toString('base64url');
  }

  /** @throws GatehouseError `limit_exceeded` where no other session may start now */
  checkRoom(): void {
    const { inAll, halfStarted } = this.#limits;
    if (this.#sessions.size < inAll && this.#halfStarted.size < halfStarted) return;
    this.#dropHalfStarted();
    if (this.#sessions.size < inAll && this.#halfStarted.size < halfStarted) return;
    throw new GatehouseError('limit_exceeded', 'The service has too many device sessions. Try again later.');
  }

  /** @throws GatehouseError `limit_exceeded` */
  add(facts: Omit<DeviceSessionFacts, 'clock'>): DeviceSession {
    this.checkRoom();
    const session = new DeviceSession({ ...facts, clock: this.clock }, (ended) => {
      this.#remove(ended);
    });
    this.#makeRoomFor(session.deviceId);
    this.#sessions.set(session.id, session);
    const ofDevice = this.#ofDevice.get(session.deviceId) ?? new Set();
    this.#ofDevice.set(session.deviceId, ofDevice.add(session));
    this.#halfStarted.add(session);
    return session;
  }

  /** @throws GatehouseError why the session of this id is over, or `SESSION_UNKNOWN` */
  find(id: string): DeviceSession {
    const session = this.#sessions.get(id);
    if (session !== undefined) return session;
    throw this.#ended.get(id) ?? unknown();
  }

  /** To be called after each authentic request of a session. */
  used(session: DeviceSession): void {
    this.#halfStarted.delete(session);
  }

  /** Sessions that have had an authentic request, the newest first. */
  views(limit: number): readonly DeviceSessionView[] {
    const live = [...this.#sessions.values()].filter((session) => session.live);
    return live
      .slice(-limit)
      .reverse()
      .map((session) => session.view());
  }

  get live(): number {
    return this.#sessions.size - this.#halfStarted.size;
  }

  liveOf(deviceId: string): number {
    return [...(this.#ofDevice.get(deviceId) ?? [])].filter((session) => session.live).length;
  }

  /** Requests under way in all sessions. */
  get running(): number {
    let running = 0;
    for (const session of this.#sessions.values()) running += session.running;
    return running;
  }

  /** @throws GatehouseError `session_unknown` */
  end(id: string, reason: GatehouseError): void {
    const session = this.#sessions.get(id);
    if (session !== undefined) return session.end(reason);
    const message = 'There is no live session with this id. It may have ended by itself.';
    throw new GatehouseError('session_unknown', message);
  }

  /** Ends each session for which `judge` has a reason; how many were live. */
  endWhere(judge: (session: DeviceSession) => GatehouseError | null): number {
    let ended = 0;
    for (const session of [...this.#sessions.values()]) {
      const reason = judge(session);
      if (reason === null) continue;
      if (session.live) ended += 1;
      session.end(reason);
    }
    return ended;
  }

  close(): void {
    clearInterval(this.#sweep);
    this.endWhere(() => new GatehouseError('shutting_down', 'The service is stopping.'));
  }

  #makeRoomFor(deviceId: string): void {
    const sessions = [...(this.#ofDevice.get(deviceId) ?? [])];
    const half = sessions.filter((session) => this.#halfStarted.has(session));
    if (half.length >= this.#limits.halfStartedPerDevice) half[0]?.end(replaced());
    else if (sessions.length >= this.#limits.perDevice) sessions[0]?.end(replaced());
  }

  /** The oldest first, so that it ends at the first that is young enough. */
  #dropHalfStarted(): void {
    for (const session of [...this.#halfStarted]) {
      if (session.protocol.ageMs < this.#limits.halfStartedMs) return;
      session.end(replaced());
    }
  }

  #remove(session: DeviceSession): void {
    const { id, deviceId } = session;
    this.#sessions.delete(id);
    this.#halfStarted.delete(session);
    const ofDevice = this.#ofDevice.get(deviceId);
    ofDevice?.delete(session);
    if (ofDevice?.size === 0) this.#ofDevice.delete(deviceId);
    this.#ended.set(id, session.endpoint.endReason ?? expired());
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > this.#limits.remembered && oldest !== undefined) this.#ended.delete(oldest);
  }
}

function unknown(): GatehouseError {
  return new GatehouseError('SESSION_UNKNOWN', 'There is no device session of this id. Start a new one.');
}

function expired(): GatehouseError {
  return new GatehouseError('SESSION_EXPIRED', 'The device session is over. A new one has to be started.');
}

function replaced(): GatehouseError {
  return new GatehouseError('SESSION_EXPIRED', 'The device session has made room for another of its device.');
}
