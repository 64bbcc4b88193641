// Puts on record that the request log could not be written, why and since when, and that it can be again: at once in the
// room that is kept on the disk for that, else, where another program held the log, as soon as it has let go.
import { errorCodes } from '../../../shared/contracts/errors.ts';
import type { AuditEntry } from '../inspector/inspector-api.ts';
import type { RequestLog } from '../inspector/request-log.ts';
import type { ConsoleParts } from './call-context.ts';
import { onEachService } from './topic-watches.ts';

/** How often the log is looked at, and what could not be put on record is tried again, in milliseconds. */
const lookEveryMs = 1_000;
/** Changes that may wait for a log that another program holds. */
const maxOwed = 20;

const about = { actor: 'service', subject: 'request log' } as const;

/** Returns the end of that. */
export function followLog({ installation, audit }: ConsoleParts): () => void {
  return onEachService(installation, ({ data: { log } }) => {
    const owed: AuditEntry[] = [];
    let wasAvailable = true;
    let writing = false;
    const look = async (): Promise<void> => {
      if (log.available !== wasAvailable && owed.length < maxOwed) owed.push(entryOf(log));
      wasAvailable = log.available;
      if (writing) return;
      writing = true;
      try {
        for (let next = owed[0]; next !== undefined; next = owed[0]) {
          await audit.record(next);
          owed.shift();
        }
      } catch {
        // It is owed, and tried again.
      } finally {
        writing = false;
      }
    };
    const timer = setInterval(() => void look(), lookEveryMs).unref();
    return () => clearInterval(timer);
  });
}

function entryOf({ available, problem }: RequestLog): AuditEntry {
  const value = new Date().toISOString();
  if (available) return { action: 'log.available', ...about, value };
  const { code = 'log_unavailable', message = errorCodes.log_unavailable } = problem ?? {};
  return { action: 'log.unavailable', ...about, value, code, message };
}
