// What `gatehouse service device …` does. Each works on the data folder, whether or not a service runs on it; a running one
// follows by watching the folder. A device must never be confirmed by anything less than its whole fingerprint.
import { readAgentFingerprint } from '../core/devices/agent-fingerprint.ts';
import { statusOf } from '../core/devices/device-file.ts';
import type { DeviceRecord } from '../core/devices/device-file.ts';
import { DeviceFiles } from '../core/devices/device-files.ts';
import { LastSeen } from '../core/devices/last-seen.ts';
import { RegistrationCodes } from '../core/devices/registration-codes.ts';
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { formatFingerprintColons, parseFingerprint } from '../../shared/contracts/fingerprint.ts';
import { printNote, printResult } from './output.ts';
import { resolvePath } from './paths.ts';
import type { ConfirmOptions } from './service-device-command.ts';
import type { DataOptions } from './service-options.ts';

export async function listDevices(options: DataOptions): Promise<void> {
  const data = resolvePath(options.data);
  const files = new DeviceFiles(data);
  const { devices, problems } = await files.list();
  const lastSeen = await LastSeen.open(files.folder);
  const rows = devices.map((device) => rowOf(device, lastSeen.of(device.id)));
  const agentFingerprint = await readAgentFingerprint(data);
  const codes = (await new RegistrationCodes(data).list()).map(({ id, expiresAt }) => ({
    id,
    expiresAt: timeOf(expiresAt),
  }));
  const lines = rows.flatMap((row) => [
    `${row.id}  ${row.status.padEnd(9)}  ${row.name}  of ${row.subject} at ${row.issuer}`,
    `  fingerprint ${formatFingerprintColons(row.fingerprint)}`,
    `  registered ${row.registeredAt ?? 'never'}, last seen ${row.lastSeenAt ?? 'never'}`,
  ]);
  const none = ['No devices yet. Users register them from their apps.'];
  const agent = agentFingerprint === null ? [] : [`Agent  ${formatFingerprintColons(agentFingerprint)}`];
  printResult(
    { agentFingerprint, devices: rows, codes },
    [...agent, ...(lines.length === 0 ? none : lines)],
    options,
  );
  for (const problem of problems) printNote(`gatehouse: ${problem.message} [${problem.code}]`);
}

export async function confirmDevice(text: string, options: ConfirmOptions): Promise<void> {
  const fingerprint = parseFingerprint(text);
  const files = new DeviceFiles(resolvePath(options.data));
  const id = options.id ?? (await pendingWith(files, fingerprint));
  const device = await files.confirm(id, fingerprint);
  const lines = [`Confirmed ${device.name} of ${device.subject} (${device.id}). It may start sessions now.`];
  printResult(rowOf(device, null), lines, options);
}

export async function revokeDevice(id: string, options: DataOptions): Promise<void> {
  const device = await new DeviceFiles(resolvePath(options.data)).revoke(id);
  const lines = [`Revoked ${device.name} of ${device.subject} (${device.id}). Its live sessions end now.`];
  printResult(rowOf(device, null), lines, options);
}

export async function createCode(options: DataOptions): Promise<void> {
  const { id, code, expiresAt } = await new RegistrationCodes(resolvePath(options.data)).create();
  printResult({ id, code, expiresAt: timeOf(expiresAt) }, [code], options);
  if (options.json === true) return;
  printNote(
    'Good once, for ten minutes. It is shown this once: hand it to the user of the device, securely.',
  );
}

async function pendingWith(files: DeviceFiles, fingerprint: string): Promise<string> {
  const { devices } = await files.list();
  const found = devices.filter((device) => device.fingerprint === fingerprint);
  const pending = found.filter((device) => statusOf(device) === 'pending');
  const [first, second] = pending.length > 0 ? pending : found;
  if (first === undefined) {
    const message =
      'No device has registered the key with this fingerprint. Compare it digit by digit: where the device shows this one, somebody may be between it and the service.';
    throw new GatehouseError('device_unknown', message);
  }
  if (second === undefined) return first.id;
  const ids = pending.map((device) => `${device.id} of ${device.subject}`).join(', ');
  throw new GatehouseError('usage', `Several users registered this key. Name one with --id: ${ids}.`);
}

function rowOf(device: DeviceRecord, lastSeenAt: number | null) {
  const { id, name, issuer, subject, fingerprint, confirmedBy } = device;
  return {
    ...{ id, name, status: statusOf(device), issuer, subject, fingerprint, confirmedBy },
    registeredAt: timeOf(device.registeredAt),
    confirmedAt: timeOf(device.confirmedAt),
    revokedAt: timeOf(device.revokedAt),
    lastSeenAt: timeOf(lastSeenAt),
  };
}

function timeOf(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
