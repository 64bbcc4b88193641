// The console of one installation, whatever shows it: the calls, the topics, who is signed in, and what is on record.
// A host opens a session for each browser or window, and hands its calls over.
import type { Logger } from 'pino';
import type { CallName } from '../../../shared/contracts/console/calls.ts';
import type { TopicName } from '../../../shared/contracts/console/topics.ts';
import type { CallAnswer } from '../../../shared/contracts/console/transport.ts';
import { asGatehouseError } from '../../../shared/contracts/errors.ts';
import type { GatehouseError } from '../../../shared/contracts/errors.ts';
import type { Installation } from '../installation.ts';
import { AuditLedger } from './audit-ledger.ts';
import type { CallContext, ConsoleParts, Handlers } from './call-context.ts';
import { captureHandlers } from './capture-handlers.ts';
import { certificateHandlers } from './certificate-handlers.ts';
import { connectivityHandlers } from './connectivity-handlers.ts';
import { ConnectivityMonitor } from './connectivity-monitor.ts';
import { ConsoleExports } from './console-exports.ts';
import type { OpenedExport } from './console-exports.ts';
import { consoleHandlers } from './console-handlers.ts';
import type { ConsoleSession, SessionOrigin } from './console-session.ts';
import { ConsoleSessions } from './console-sessions.ts';
import { deviceHandlers } from './device-handlers.ts';
import { deviceTopics } from './device-topics.ts';
import { Dispatch } from './dispatch.ts';
import { documentHandlers } from './document-handlers.ts';
import { ExpectedChanges } from './expected-changes.ts';
import { followDevices } from './follow-devices.ts';
import { followInstallation } from './follow-installation.ts';
import { followLog } from './follow-log.ts';
import { inspectorTopics } from './inspector-topics.ts';
import { OwnChanges } from './own-changes.ts';
import { PasswordCheck } from './password-check.ts';
import { auditHandlers, requestHandlers, viewHandlers } from './request-handlers.ts';
import { serviceTopics } from './service-topics.ts';
import { sessionHandlers } from './session-handlers.ts';
import { settingsHandlers } from './settings-handlers.ts';
import type { SetupKey } from './setup-key.ts';
import { tokenHandlers } from './token-handlers.ts';
import { TopicsHub } from './topics-hub.ts';
import type { TellTopic, TopicSources } from './topics-hub.ts';

export interface ConsoleOptions {
  readonly installation: Installation;
  /** Asked for on a first run; null where the host needs none. */
  readonly setupKey: SetupKey | null;
  readonly logger: Logger;
}

export class Console {
  readonly #parts: ConsoleParts;
  readonly #dispatch: Dispatch;
  readonly #hub: TopicsHub;
  readonly #unfollow: () => void;

  constructor({ installation, setupKey, logger }: ConsoleOptions) {
    const audit = new AuditLedger(async (entry) => (await installation.foundation()).audit.append(entry));
    const sessions = new ConsoleSessions();
    this.#parts = {
      installation,
      setupKey,
      logger,
      audit,
      sessions,
      password: new PasswordCheck(installation, audit),
      changes: new OwnChanges(),
      expected: new ExpectedChanges(),
      monitor: new ConnectivityMonitor(installation),
      exports: new ConsoleExports(installation, audit),
    };
    sessions.onForgotten((session) => this.#parts.exports.forget(session));
    this.#dispatch = new Dispatch({ handlers: makeHandlers(this.#parts), audit, logger });
    this.#hub = new TopicsHub(makeTopics(this.#parts), (error) => {
      const { code, message } = asGatehouseError(error);
      logger.warn({ code }, message);
    });
    const unfollow = [followInstallation, followDevices, followLog].map((follow) => follow(this.#parts));
    this.#unfollow = () => unfollow.forEach((end) => end());
  }

  /** Nobody has signed in to it yet. */
  openSession(origin: SessionOrigin): ConsoleSession {
    return this.#parts.sessions.open(origin);
  }

  /** Told when a session is forgotten. */
  onForgotten(tell: (session: ConsoleSession) => void): void {
    this.#parts.sessions.onForgotten(tell);
  }

  /** Answers one call, whatever `name` and `args` are; never throws. */
  call(name: unknown, args: unknown, context: CallContext): Promise<CallAnswer<CallName>> {
    return this.#dispatch.call(name, args, context);
  }

  /** Puts on record what the host refused by itself. */
  refused(actor: string, subject: string, error: GatehouseError): void {
    this.#dispatch.refused(actor, subject, error);
  }

  /** Tells of `topic` while `session` may know it. Returns the unsubscribe. */
  subscribe(session: ConsoleSession, topic: TopicName, tell: TellTopic): () => void {
    return this.#hub.subscribe(session, topic, tell);
  }

  /** @throws GatehouseError `export_unknown`, `audit_unavailable` */
  openExport(session: ConsoleSession, id: string): Promise<OpenedExport> {
    return this.#parts.exports.open(session, id);
  }

  /** Signs everybody out. The installation goes on; whoever opened it stops it. */
  close(): void {
    this.#unfollow();
    this.#parts.monitor.close();
    this.#parts.sessions.close();
  }
}

function makeHandlers(parts: ConsoleParts): Handlers {
  return {
    ...consoleHandlers(parts),
    ...connectivityHandlers(parts),
    ...certificateHandlers(parts),
    ...settingsHandlers(parts),
    ...tokenHandlers(parts),
    ...sessionHandlers(parts),
    ...deviceHandlers(parts),
    ...documentHandlers(parts),
    ...requestHandlers(parts),
    ...viewHandlers(parts),
    ...captureHandlers(parts),
    ...auditHandlers(parts),
  };
}

function makeTopics(parts: ConsoleParts): TopicSources {
  return { ...serviceTopics(parts), ...deviceTopics(parts), ...inspectorTopics(parts) };
}
