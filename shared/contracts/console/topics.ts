// What the service tells the console by itself. A topic is a value: whoever subscribes gets the present one at once
// and each newer one; a slow subscriber misses values in between and never the newest, so that a slow tab costs the
// service nothing.
import type { Settings } from '../settings.ts';
import type { Attention, DeviceSessionsView, DevicesView } from './devices.ts';
import type { DocumentsView } from './documents.ts';
import type {
  AuditChange,
  CaptureView,
  CertificateView,
  Connectivity,
  ConsoleState,
  ExportView,
  RequestsChange,
  SessionsView,
  TokensView,
} from './models.ts';

export interface Topics {
  readonly console: ConsoleState;
  readonly connectivity: Connectivity;
  readonly certificate: CertificateView;
  readonly settings: Readonly<Settings>;
  readonly tokens: TokensView;
  readonly sessions: SessionsView;
  readonly attention: Attention;
  readonly devices: DevicesView;
  readonly deviceSessions: DeviceSessionsView;
  readonly documents: DocumentsView;
  readonly requests: RequestsChange;
  readonly exports: readonly ExportView[];
  readonly capture: CaptureView;
  readonly audit: AuditChange;
}

export type TopicName = keyof Topics;

export const topicNames = [
  'console',
  'connectivity',
  'certificate',
  'settings',
  'tokens',
  'sessions',
  'attention',
  'devices',
  'deviceSessions',
  'documents',
  'requests',
  'exports',
  'capture',
  'audit',
] as const satisfies readonly TopicName[];

/** The one topic that is told before anybody has signed in. */
export const openTopic = 'console' satisfies TopicName;

export function isTopicName(name: unknown): name is TopicName {
  return topicNames.some((known) => known === name);
}
