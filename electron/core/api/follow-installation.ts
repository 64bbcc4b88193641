// Puts on record what happens to the installation without a call: its start and end, and what comes through the
// command line into the data folder of a running service.
import { errorCodes } from '../../../shared/contracts/errors.ts';
import type { SettingName, Settings } from '../../../shared/contracts/settings.ts';
import type { ConsoleParts } from './call-context.ts';

const actors = { service: 'service', commandLine: 'command line' } as const;

/** Returns the end of that. */
export function followInstallation(parts: ConsoleParts): () => void {
  const { installation, audit } = parts;
  let known: Readonly<Settings> | null = null;
  const onServing = (): void => {
    if (!installation.serving) return;
    known = installation.service.data.settings.all();
    started(parts);
  };
  onServing();
  return installation.listen({
    onPhase: ({ phase }) => {
      if (phase === 'serving') onServing();
    },
    onSettings: (changed, source) => {
      const before = known;
      known = installation.service.data.settings.all();
      if (source === 'set' || before === null) return;
      for (const name of changed) settingChanged(parts, name, before[name], known[name]);
    },
    onFingerprint: (sha256) => fingerprintChanged(parts, sha256),
    onTokens: (ids) => {
      for (const id of ids) tokenChanged(parts, id);
    },
    onIncident: ({ kind, code, clientId: actor }) => {
      const action = kind === 'token_rejected' ? 'token.rejected' : 'request.rejected';
      audit.note({ action, actor, subject: kind, code, message: errorCodes[code] });
    },
    onStopping: () => audit.record({ action: 'service.stopped', actor: actors.service, subject: 'service' }),
  });
}

function started({ installation, audit, changes }: ConsoleParts): void {
  const { service } = installation;
  const { fingerprint } = service;
  changes.startWith(service.data.tokens, fingerprint);
  const { service: actor } = actors;
  if (service.certificateCreated) {
    audit.note({ action: 'certificate.created', actor, subject: fingerprint, value: fingerprint });
  }
  audit.note({ action: 'service.started', actor, subject: service.serviceId });
}

function settingChanged(
  { audit }: ConsoleParts,
  subject: SettingName,
  old: Settings[SettingName],
  value: Settings[SettingName],
): void {
  const { commandLine: actor } = actors;
  audit.note({ action: 'settings.changed', actor, subject, old: String(old), value: String(value) });
}

function fingerprintChanged({ installation, audit, changes }: ConsoleParts, sha256: string): void {
  if (!installation.serving || !changes.isForeignFingerprint(sha256)) return;
  const { leaf } = installation.service.data.certificates.current();
  const action = leaf.subject === leaf.issuer ? 'certificate.renewed' : 'certificate.imported';
  audit.note({ action, actor: actors.commandLine, subject: sha256, value: sha256 });
  changes.expectFingerprint(sha256);
}

function tokenChanged({ installation, audit, changes }: ConsoleParts, id: string): void {
  if (!installation.serving) return;
  const token = installation.service.data.tokens.find(id);
  const change = changes.foreignTokenChange(id, token);
  if (change === null) return;
  const { commandLine: actor } = actors;
  audit.note({ action: `token.${change}`, actor, subject: id, value: token?.user ?? null });
}
