// Puts on record what happens to devices and document collections without a call of the console: devices that register,
// and what comes through the command line into the data folder of a running service.
import type { RunningService } from '../app.ts';
import { statusOf } from '../devices/device-file.ts';
import type { DeviceRecord } from '../devices/device-file.ts';
import type { ConsoleParts } from './call-context.ts';
import { onEachService } from './topic-watches.ts';

/** Under which name a new registration code is expected: its id is not known before it is made. */
export const expectedCode = 'registration code';

const commandLine = 'command line';

/** Returns the end of that. */
export function followDevices(parts: ConsoleParts): () => void {
  return onEachService(parts.installation, (service) => {
    const ends = [followRegistry(parts, service), followCollections(parts, service)];
    return () => ends.forEach((end) => end());
  });
}

/** As the audit log tells of it. */
export function describeDevice({
  name,
  subject,
  issuer,
}: Pick<DeviceRecord, 'name' | 'subject' | 'issuer'>): string {
  return `${name} · ${subject} · ${issuer}`;
}

function followRegistry(parts: ConsoleParts, { data }: RunningService): () => void {
  const { registry } = data.devices;
  const known = new Map(registry.all().map((device) => [device.id, device]));
  let codes = new Set(registry.openCodes().map(({ id }) => id));
  return registry.onChange((ids) => {
    for (const id of ids) {
      const before = known.get(id) ?? null;
      const now = registry.get(id);
      if (now === null) known.delete(id);
      else known.set(id, now);
      deviceChanged(parts, id, before, now);
    }
    const open = registry.openCodes().map(({ id }) => id);
    for (const id of open) if (!codes.has(id)) codeMade(parts, id);
    codes = new Set(open);
  });
}

function deviceChanged(
  { audit, expected }: ConsoleParts,
  id: string,
  before: DeviceRecord | null,
  now: DeviceRecord | null,
): void {
  const device = now ?? before;
  if (device === null) return;
  const subject = device.fingerprint;
  const what = describeDevice(device);
  if (before === null) {
    audit.note({ action: 'device.registered', actor: device.subject, subject, value: what });
  }
  const status = now === null ? 'gone' : statusOf(now);
  if (status === 'pending' || (before !== null && status === statusOf(before))) return;
  if (expected.takes(id, status)) return;
  if (status === 'confirmed') {
    const actor = device.confirmedBy === 'code' ? device.subject : commandLine;
    audit.note({ action: 'device.confirmed', actor, subject, value: what });
  } else {
    const action = status === 'revoked' ? 'device.revoked' : 'device.refused';
    audit.note({ action, actor: commandLine, subject, old: what });
  }
}

function codeMade({ audit, expected }: ConsoleParts, id: string): void {
  if (expected.takes(expectedCode, 'created')) return;
  audit.note({ action: 'device.code_created', actor: commandLine, subject: id });
}

function followCollections({ audit, expected }: ConsoleParts, { data }: RunningService): () => void {
  const { documents } = data;
  let known = new Map(documents.collections().map((each) => [each.id, each]));
  return documents.onChange(() => {
    const now = new Map(documents.collections().map((each) => [each.id, each]));
    for (const [id, { name, folder }] of known) {
      if (now.has(id) || expected.takes(name, 'removed')) continue;
      audit.note({ action: 'collection.removed', actor: commandLine, subject: name, old: folder });
    }
    for (const [id, { name, folder, allowUpload }] of now) {
      if (known.has(id) || expected.takes(name, 'published')) continue;
      const value = describeFolder(folder, allowUpload);
      audit.note({ action: 'collection.published', actor: commandLine, subject: name, value });
    }
    known = now;
  });
}

export function describeFolder(folder: string, allowUpload: boolean): string {
  return allowUpload ? `${folder} (takes uploads)` : folder;
}
