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
import { fingerprintWords } from '../../../shared/contracts/fingerprint-words.ts';
import type { RunningService } from '../app.ts';
import type { EndpointSession } from '../endpoint/session.ts';
import type { InstallationListener } from '../installation.ts';
import { callLine } from './call-line.ts';
import { certificateFacts } from './certificate-facts.ts';
import type { ConsoleParts } from './call-context.ts';
import type { ConsoleSession } from './console-session.ts';
import type { TopicSources } from './topics-hub.ts';

/** How often what has no event of its own is looked at while somebody listens, in milliseconds. */
const lookEveryMs = 1_000;
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
    console: { read: (session) => consoleState(parts, session), watch: on('onPhase'), perSession: true },
    connectivity: {
      read: whileServing((service) => connectivity(parts, service)),
      watch: both(on('onPhase', 'onFingerprint', 'onSettings'), (changed) => monitor.onChange(changed)),
    },
    certificate: {
      read: whileServing((service) => certificateView(service)),
      watch: both(on('onPhase', 'onFingerprint'), looking),
    },
    settings: {
      read: async () => (await installation.foundation()).settings.all(),
      watch: on('onPhase', 'onSettings'),
    },
    tokens: {
      read: whileServing(tokensView),
      watch: both(on('onPhase', 'onTokens', 'onProblem'), looking),
    },
    sessions: { read: whileServing(sessionsView), watch: both(on('onPhase'), looking) },
  };
}

type Watch = (changed: () => void) => () => void;

function both(first: Watch, second: Watch): Watch {
  return (changed) => {
    const ends = [first(changed), second(changed)];
    return () => ends.forEach((end) => end());
  };
}

const looking: Watch = (changed) => {
  const timer = setInterval(changed, lookEveryMs).unref();
  return () => clearInterval(timer);
};

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
    remember: host.keyVault.availability(),
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
    requestLog: { available: service.data.log.available, problem: null },
    callLine: callLine(installation),
  };
}

async function certificateView(service: RunningService): Promise<CertificateView> {
  const certificate = service.data.certificates.current();
  const { sha256 } = certificate;
  return {
    ...certificateFacts(certificate),
    words: fingerprintWords(sha256),
    servedSince: await servedSince(service, sha256),
    sessionsOnOlder: service.sessions.live().filter((session) => isOnOlder(session, sha256)).length,
  };
}

/** As the audit log knows it. */
async function servedSince({ data }: RunningService, sha256: string): Promise<number | null> {
  const { rows } = await data.audit.page({ filter: `subject:${sha256}`, cursor: null, limit: 1 });
  return rows[0]?.at ?? null;
}

function isOnOlder({ facts }: EndpointSession, current: string): boolean {
  return facts.tls !== null && facts.tls.certificate.sha256 !== current;
}

async function tokensView({ data, sessions }: RunningService): Promise<TokensView> {
  const live = sessions.live();
  const tokens = data.tokens.all();
  const used = await data.inspector.tokenUse();
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
