// Durations as people write them: `90s`, `15m`, `24h`, `30d`.
import { GatehouseError } from '../../shared/contracts/errors.ts';

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds. @throws GatehouseError `usage` */
export function parseDuration(text: string): number {
  const match = /^(\d{1,6})([smhd])$/.exec(text.trim());
  const milliseconds = Number(match?.[1] ?? 0) * (units[match?.[2] ?? ''] ?? 0);
  if (milliseconds > 0) return milliseconds;
  throw new GatehouseError('usage', `"${text}" is no duration. Write 90s, 15m, 24h or 30d.`);
}
