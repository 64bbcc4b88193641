// Puts the endpoint of a service together: router, verifier, sessions and the acceptor of streams, and
// keeps live sessions in step with settings, tokens and the certificate.
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { protocolVersion } from '../../../shared/contracts/capabilities.ts';
import type { Capabilities } from '../../../shared/contracts/capabilities.ts';
import { e2eeRequired } from '../../../shared/contracts/settings.ts';
import type { Settings } from '../../../shared/contracts/settings.ts';
import { serverTlsOptions } from '../../../shared/e2ee/tls-options.ts';
import type { ServiceCertificate } from '../certificates/service-certificate.ts';
import type { Documents } from '../documents/documents.ts';
import type { Devices } from '../devices/devices.ts';
import { rpcs } from '../rpc/registry.ts';
import { blobStreams } from './blob-streams.ts';
import { DeviceStreams } from './device-streams.ts';
import { FailureDelays } from './failure-delays.ts';
import { Incidents } from './incidents.ts';
import type { Incident } from './incidents.ts';
import { refusal } from './policy.ts';
import { Router } from './router.ts';
import type { RouterCapture, RouterLog } from './router.ts';
import { SessionTable } from './session-table.ts';
import { StreamAcceptor } from './stream-acceptor.ts';
import type { AcceptorOptions } from './stream-acceptor.ts';
import { Verifier } from './verifier.ts';
import type { UsableToken } from './verifier.ts';

export interface EndpointOptions {
  readonly serviceId: string;
  readonly settings: () => Readonly<Settings>;
  readonly findToken: (id: string) => UsableToken | null;
  readonly fakeSaltKey: Uint8Array;
  readonly log: RouterLog;
  /** The relay's word. */
  readonly domainName: () => string;
  readonly certificate: ServiceCertificate;
  /** None where absent. */
  readonly documents?: Documents | undefined;
  /** Device sessions; streams of theirs are refused where absent. */
  readonly devices?: Devices | undefined;
  /** Payload capture; none where absent. */
  readonly capture?: RouterCapture | undefined;
  /** What a person should hear of; a few in a minute at most. */
  readonly onIncident?: ((incident: Incident) => void) | undefined;
}

export class Endpoint {
  readonly acceptor: StreamAcceptor;
  readonly sessions = new SessionTable();
  readonly #options: EndpointOptions;
  readonly #router: Router;
  readonly #incidents: Incidents;
  #served: ReturnType<AcceptorOptions['certificate']>;

  constructor(options: EndpointOptions) {
    this.#options = options;
    this.#served = servedCertificate(options.certificate);
    this.#incidents = new Incidents((incident) => options.onIncident?.(incident));
    this.#router = new Router({
      rpcs,
      context: { capabilities: () => this.#capabilities(), now: Date.now, documents: options.documents },
      settings: options.settings,
      log: options.log,
      capture: options.capture,
      serviceId: options.serviceId,
      domainName: options.domainName,
    });
    this.acceptor = new StreamAcceptor({
      serviceId: options.serviceId,
      router: this.#router,
      verifier: this.#makeVerifier(),
      sessions: this.sessions,
      servers: this.#streamServers(),
      certificate: () => this.#served,
      onComplaint: (clientId) => {
        this.#incidents.happened({ kind: 'fingerprint_complaint', code: 'fingerprint_mismatch', clientId });
      },
    });
  }

  /** New sessions are served with this certificate; live ones go on with theirs. */
  useCertificate(certificate: ServiceCertificate): void {
    this.#served = servedCertificate(certificate);
  }

  /** Ends the sessions that the settings of this moment forbid. */
  enforceSettings(): void {
    const settings = this.#options.settings();
    this.sessions.endWhere((session) => refusal(session, settings));
    this.#options.devices?.enforce();
  }

  /** Ends the sessions that were verified by tokens which are no longer usable. */
  enforceTokens(): void {
    this.sessions.endWhere((session) => {
      const { verification } = session;
      if (verification === null || this.#options.findToken(verification.tokenId) !== null) return null;
      return new GatehouseError(
        'access_token_rejected',
        'The access token of this session was revoked or has expired.',
      );
    });
  }

  /** Ends one session; the client is told `reason.code`. @throws GatehouseError `session_unknown` */
  endSession(id: string, reason: GatehouseError): void {
    this.sessions.end(id, reason);
  }

  /** Told at once of each session that begins, changes or ends: with every request. Returns the unsubscribe. */
  onSessionsChange(tell: () => void): () => void {
    return this.sessions.onChange(tell);
  }

  /** Takes no new requests, lets those under way finish for `drainMs`, then ends all sessions. */
  async drain(drainMs: number): Promise<void> {
    this.#router.stop();
    const end = Date.now() + drainMs;
    const devices = this.#options.devices?.sessions;
    const busy = (): boolean =>
      this.sessions.live().some((session) => session.running > 0) || (devices?.running ?? 0) > 0;
    while (busy() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
    const stopping = (): GatehouseError => new GatehouseError('shutting_down', 'The service is stopping.');
    this.sessions.endWhere(stopping);
    devices?.endWhere(stopping);
    // The goodbyes leave in the next turns.
    await new Promise((resolve) => setTimeout(resolve, 50));
  }

  #streamServers(): AcceptorOptions['servers'] {
    const { devices, documents } = this.#options;
    const blobs = documents === undefined ? {} : { blob: blobStreams(documents) };
    if (devices === undefined) return blobs;
    const { agent, registry, sessions, oidc, journal } = devices;
    const idempotent = (name: string): boolean => rpcs.get(name)?.idempotent === true;
    const parts = { agent, registry, sessions, oidc, journal };
    return { ...blobs, device: new DeviceStreams({ ...parts, router: this.#router, idempotent }).serve };
  }

  #makeVerifier(): Verifier {
    const { findToken, fakeSaltKey } = this.#options;
    return new Verifier({
      find: findToken,
      fakeSaltKey,
      delays: new FailureDelays(),
      onFailure: (session, error, tokenId) => {
        this.#router.reject(session, { rpcName: '', error, tokenId });
        if (error.code !== 'access_token_rejected') return;
        const { clientId } = session.facts;
        this.#incidents.happened({ kind: 'token_rejected', code: error.code, clientId });
      },
    });
  }

  #capabilities(): Capabilities {
    const settings = this.#options.settings();
    return {
      versions: [protocolVersion],
      e2ee: {
        available: true,
        required: e2eeRequired(settings),
        sessionVerificationRequired: settings['service.e2ee.require_e2ee_session_verification'],
      },
      h2: true,
    };
  }
}

function servedCertificate(certificate: ServiceCertificate): ReturnType<AcceptorOptions['certificate']> {
  const { sha256, pem } = certificate;
  return { tls: serverTlsOptions(certificate.tlsCredentials()), record: { sha256, pem } };
}
