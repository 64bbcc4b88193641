// How requests to a service will travel: decided by `serviceCloud` and `reload` from what the caller knows, the
// defaults, and what the service says. Must never choose plaintext because E2EE failed, nor for a service that was
// seen with E2EE, nor without a warning before anything but `capabilities` is sent.
import type { Capabilities } from '../contracts/capabilities.ts';
import { GatehouseError } from '../contracts/errors.ts';
import { askCapabilities, checkSameCapabilities, openRpc } from './capabilities.ts';
import type { Trust } from './credentials.ts';
import type { PlaintextReason } from './e2ee-information.ts';
import type { KnownServices } from './known-services.ts';
import type { ClientTimeouts } from './limits.ts';
import type { RecordRequest } from './rpc.ts';
import { openE2eeSession, openPlainSession } from './session.ts';
import type { Session, StreamSource } from './session.ts';

/** `client.use_e2ee_default`: what to do where no fingerprint was passed. */
export type UseE2eeDefault = 'always' | 'when_available' | 'never';

/** What a service's sessions are made from. */
export interface ServiceContext {
  readonly source: StreamSource;
  readonly known: KnownServices;
  readonly useE2eeDefault: UseE2eeDefault;
  readonly useH2WhenAvailable: boolean;
  readonly timeouts: ClientTimeouts;
  readonly warn: (message: string) => void;
}

/** How requests travel. */
export type Plan =
  | { readonly kind: 'e2ee'; readonly h2: boolean }
  | {
      readonly kind: 'plain';
      readonly reason: PlaintextReason;
      /** Why nothing but `capabilities` may be sent in the clear; null where anything may. */
      readonly refusal: GatehouseError | null;
    };

export interface Established {
  readonly plan: Plan;
  /** Open, verified where there is a token; null where every request has a session of its own. */
  readonly session: Session | null;
}

export interface Establishing {
  readonly serviceId: string;
  readonly trust: Trust;
  readonly record: RecordRequest;
  readonly signal: AbortSignal;
}

const plaintextBecause: Record<'use_e2ee_default_never' | 'e2ee_not_available', string> = {
  use_e2ee_default_never: 'the client was told so (use_e2ee_default is never)',
  e2ee_not_available: 'the relay says that the service offers no encryption',
};

/**
 * @throws GatehouseError `fingerprint_mismatch`, `e2ee_handshake_failed`, `downgrade_detected`,
 * `access_token_required`, `access_token_rejected`, `service_not_verified`, or why the service was not reached
 */
export async function establish(context: ServiceContext, call: Establishing): Promise<Established> {
  const { useE2eeDefault } = context;
  if (call.trust.fingerprint !== null || useE2eeDefault === 'always')
    return establishE2ee(context, call, null);
  if (useE2eeDefault === 'never') {
    announcePlaintext(context, call.serviceId, 'use_e2ee_default_never');
    return { plan: await planNever(context, call), session: null };
  }
  const outside = await askOutside(context, call, 'capabilities_probe');
  if (outside.e2ee.available) return establishE2ee(context, call, outside);
  if (await context.known.has(call.serviceId)) throw downgraded();
  announcePlaintext(context, call.serviceId, 'e2ee_not_available');
  return { plan: { kind: 'plain', reason: 'e2ee_not_available', refusal: null }, session: null };
}

/**
 * What the service says of itself, over the way that calls would take, on a session that ends with the answer and
 * needs no access token. @throws as `establish`, but for what a token is to blame for
 */
export async function askService(context: ServiceContext, call: Establishing): Promise<Capabilities> {
  const untrusting = { ...call, trust: { ...call.trust, token: null } };
  const { useE2eeDefault } = context;
  const certain = call.trust.fingerprint !== null || useE2eeDefault === 'always';
  const never = !certain && useE2eeDefault === 'never';
  const reason = never ? 'use_e2ee_default_never' : 'capabilities_probe';
  if (never) announcePlaintext(context, call.serviceId, 'use_e2ee_default_never');
  const outside = certain ? null : await askOutside(context, call, reason);
  if (outside !== null && (never || !outside.e2ee.available)) return outside;
  const session = await openTunnel(context, untrusting, context.useH2WhenAvailable);
  try {
    const inside = await askInside(context, untrusting, session);
    if (outside !== null) checkSameCapabilities(outside, inside);
    return inside;
  } finally {
    session.close();
  }
}

/** A new E2EE session, verified where there is a token. @throws as `establish` */
export async function openSession(
  context: ServiceContext,
  call: Establishing,
  h2: boolean,
): Promise<Session> {
  const session = await openTunnel(context, call, h2);
  try {
    await verifyIfToken(context, call, session);
    return session;
  } catch (error) {
    session.close();
    throw error;
  }
}

async function establishE2ee(
  context: ServiceContext,
  call: Establishing,
  outside: Capabilities | null,
): Promise<Established> {
  const session = await openTunnel(context, call, context.useH2WhenAvailable);
  try {
    const inside = await askInside(context, call, session);
    if (outside !== null) checkSameCapabilities(outside, inside);
    if (inside.e2ee.sessionVerificationRequired && call.trust.token === null) throw tokenRequired();
    await context.known.add(call.serviceId);
  } catch (error) {
    session.close();
    throw error;
  }
  const plan: Plan = { kind: 'e2ee', h2: session.h2 };
  if (session.h2) return { plan, session };
  session.close();
  return { plan, session: null };
}

function openTunnel(context: ServiceContext, call: Establishing, h2: boolean): Promise<Session> {
  const { serviceId, trust, signal } = call;
  const { source, timeouts } = context;
  return openE2eeSession(source, { serviceId, fingerprint: trust.fingerprint, h2, timeouts, signal });
}

/** Both at once: neither waits for the other's round trip. */
async function askInside(
  context: ServiceContext,
  call: Establishing,
  session: Session,
): Promise<Capabilities> {
  const asked = askCapabilities(session, context.timeouts.callMs, call.record, call.signal);
  const [capabilities] = await Promise.all([asked, verifyIfToken(context, call, session)]);
  return capabilities;
}

async function verifyIfToken(context: ServiceContext, call: Establishing, session: Session): Promise<void> {
  if (call.trust.token === null) return;
  await session.verify(call.trust.token, context.timeouts.callMs, call.signal);
}

/** `capabilities` without TLS: the relay reads it, and can alter it. */
async function askOutside(
  { source, timeouts }: ServiceContext,
  { serviceId, record, signal }: Establishing,
  reason: PlaintextReason,
): Promise<Capabilities> {
  const session = await openPlainSession(source, serviceId, reason, signal);
  try {
    return await askCapabilities(session, timeouts.callMs, record, signal);
  } finally {
    session.close();
  }
}

/** `never` is the caller's own word, so `capabilities` is asked; a service seen with E2EE gets nothing more. */
async function planNever(context: ServiceContext, call: Establishing): Promise<Plan> {
  const reason = 'use_e2ee_default_never';
  const outside = await askOutside(context, call, reason);
  const isKnown = await context.known.has(call.serviceId);
  if (!isKnown) return { kind: 'plain', reason, refusal: null };
  return { kind: 'plain', reason, refusal: outside.e2ee.required ? e2eeRequired() : downgraded() };
}

function announcePlaintext(
  context: ServiceContext,
  serviceId: string,
  reason: 'use_e2ee_default_never' | 'e2ee_not_available',
): void {
  context.warn(
    `Requests to ${serviceId} go WITHOUT end-to-end encryption, because ${plaintextBecause[reason]}. ` +
      'The relay can read and change them.',
  );
}

/** The sentence for a service that requires verification. */
function tokenRequired(): GatehouseError {
  return new GatehouseError(
    'access_token_required',
    'This service answers verified sessions only, and no access token was given. Get one from its administrator, ' +
      'and pass it together with the fingerprint.',
  );
}

function e2eeRequired(): GatehouseError {
  return new GatehouseError(
    'e2ee_required',
    `This service answers through end-to-end encryption only: without it there is nothing but ${openRpc}. Nothing was sent. ` +
      'Pass its fingerprint, or let use_e2ee_default be when_available.',
  );
}

function downgraded(): GatehouseError {
  return new GatehouseError(
    'downgrade_detected',
    'This client has seen this service with end-to-end encryption, and sends it nothing in the clear any more, ' +
      'whatever the relay says. If the service really gave encryption up, ask its administrator. Nothing was sent.',
  );
}
