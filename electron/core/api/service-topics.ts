// The topics about the service itself: who may sign in, the link, the certificate, settings, tokens and sessions.
import type {
  AccessTokenView,
  CertificateView,
  Connectivity,
  ConsoleState,
  SessionsView,
  SessionView,
  TokensView,
} from '../../../shared/contracts/console/models.ts';
import { errorCodes } from '../../../shared/contracts/errors.ts';
import { wordsOfFingerprint } from '../../../shared/contracts/fingerprint-words.ts';
import type { RunningService } from '../app.ts';
import type { EndpointSession } from '../endpoint/session.ts';
import type { InstallationListener } from '../installation.ts';
import { callLine } from './call-line.ts';
import { certificateFacts } from './certificate-facts.ts';
import type { ConsoleParts } from './call-context.ts';
import type { ConsoleSession } from './console-session.ts';
import { both, looking } from './topic-watches.ts';
import type { TopicSources } from './topics-hub.ts';

/** How often what has no event of its own is looked at while somebody listens, in milliseconds. */
const lookEveryMs = { sessions: 1_000, log: 3_000 } as const;
/** Sessions shown. */
const maxSessions = 500;

export type ServiceTopic = 'console' | 'connectivity' | 'certificate' | 'settings' | 'tokens' | 'sessions';

export function serviceTopics(parts: ConsoleParts): Pick<TopicSources, ServiceTopic> {
  const { installation, monitor } = parts;
  const whileServing = <T>(read: (service: RunningService) => T) => {
    return (): T | null => (installation.serving ? read(installation.service) : null);
  };
  const on = (...names: readonly (keyof InstallationListener)[]) => {
    return (changed: () => void) => watch(parts, names, changed);
  };
  return {
    console: {
      read: (session) => consoleState(parts, session),
      watch: both(on('onPhase'), (changed) => installation.host.keyVault.onChange(changed)),
      perSession: true,
    },
    connectivity: {
      read: whileServing((service) => connectivity(parts, service)),
      watch: both(
        on('onPhase', 'onFingerprint', 'onSettings'),
        both((changed) => monitor.onChange(changed), looking(lookEveryMs.log)),
      ),
    },
    certificate: {
      read: whileServing((service) => certificateView(parts, service)),
      watch: both(on('onPhase', 'onFingerprint'), looking(lookEveryMs.log)),
    },
    settings: {
      read: async () => (await installation.foundation()).settings.all(),
      watch: on('onPhase', 'onSettings'),
    },
    tokens: {
      read: whileServing((service) => tokensView(parts, service)),
      watch: both(on('onPhase', 'onTokens', 'onProblem'), looking(lookEveryMs.log)),
    },
    sessions: { read: whileServing(sessionsView), watch: both(on('onPhase'), looking(lookEveryMs.sessions)) },
  };
}

function watch(
  { installation }: ConsoleParts,
  names: readonly (keyof InstallationListener)[],
  changed: () => void,
): () => void {
  return installation.listen(Object.fromEntries(names.map((name) => [name, () => changed()])));
}

function consoleState({ installation, setupKey }: ConsoleParts, { signedIn }: ConsoleSession): ConsoleState {
  const { host, state } = installation;
  return {
    phase: state.phase,
    signedIn,
    host: host.kind,
    version: host.version,
    setupKeyRequired: state.phase === 'first_run' && setupKey !== null,
    remember: { ...host.keyVault.availability(), remembered: signedIn && host.keyVault.holds() },
    trial: host.trial,
    problem: state.problem?.toJSON() ?? null,
  };
}

function connectivity({ installation, monitor }: ConsoleParts, service: RunningService): Connectivity {
  const { kind = 'local', url = '' } = installation.relay.inUse ?? {};
  return {
    serviceId: service.serviceId,
    relay: { kind, url },
    link: monitor.link,
    domainName: service.relay.domainName,
    measured: monitor.measurements.at(-1) ?? null,
    recentMeasurements: monitor.measurements,
    history: monitor.history,
    startedAt: service.startedAt,
    requestLog: requestLogState(service),
    callLine: callLine(installation),
  };
}

function requestLogState({ data: { log } }: RunningService): Connectivity['requestLog'] {
  if (log.available) return { available: true, problem: null };
  const { log_unavailable: message } = errorCodes;
  return { available: false, problem: log.problem?.toJSON() ?? { code: 'log_unavailable', message } };
}

async function certificateView(parts: ConsoleParts, service: RunningService): Promise<CertificateView> {
  const certificate = service.data.certificates.current();
  const { sha256 } = certificate;
  return {
    ...certificateFacts(certificate),
    words: await wordsOfFingerprint(sha256),
    servedSince: await servedSince(parts, sha256),
    sessionsOnOlder: service.sessions.live().filter((session) => isOnOlder(session, sha256)).length,
  };
}

/** As the audit log knows it. */
async function servedSince({ installation }: ConsoleParts, sha256: string): Promise<number | null> {
  const { audit } = await installation.foundation();
  const { rows } = await audit.page({ filter: `subject:${sha256}`, cursor: null, limit: 1 });
  return rows[0]?.at ?? null;
}

function isOnOlder({ facts }: EndpointSession, current: string): boolean {
  return facts.tls !== null && facts.tls.certificate.sha256 !== current;
}

async function tokensView(
  { installation }: ConsoleParts,
  { data, sessions }: RunningService,
): Promise<TokensView> {
  const live = sessions.live();
  const tokens = data.tokens.all();
  const used = await (await installation.foundation()).inspector.tokenUse();
  const views = tokens.map(({ id, user, status, createdAt, expiresAt, revokedAt }): AccessTokenView => {
    const liveSessions = live.filter(({ verification }) => verification?.tokenId === id).length;
    const lastUsedAt = used.get(id) ?? null;
    return { id, user, status, createdAt, expiresAt, revokedAt, lastUsedAt, liveSessions };
  });
  return { tokens: views, problems: data.tokens.problems.map((problem) => problem.toJSON()) };
}

function sessionsView({ data, sessions }: RunningService): SessionsView {
  const current = data.certificates.current().sha256;
  const live = [...sessions.live()].sort((a, b) => b.facts.startedAt - a.facts.startedAt);
  return {
    total: live.length,
    sessions: live.slice(0, maxSessions).map((each) => sessionView(each, current)),
  };
}

function sessionView(session: EndpointSession, current: string): SessionView {
  const { facts, verification } = session;
  return {
    id: facts.id,
    clientId: facts.clientId,
    remoteUser: verification?.remoteUser ?? null,
    tokenId: verification?.tokenId ?? null,
    e2eeUsed: session.e2eeUsed,
    sessionVerified: session.sessionVerified,
    verifiedBy: session.verifiedBy,
    tlsVersion: facts.tls?.version ?? null,
    cipher: facts.tls?.cipher ?? null,
    fingerprint: facts.tls?.certificate.sha256 ?? null,
    onCurrentCertificate: !isOnOlder(session, current),
    h2: facts.h2,
    startedAt: facts.startedAt,
    running: session.running,
    requests: session.requests,
    bytesRead: session.bytesRead,
    bytesWritten: session.bytesWritten,
  };
}
