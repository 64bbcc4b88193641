// “Still preparing”: what a service answers in place of a document that it has not finished reading and encrypting, so that
// nobody waits longer than a request may take. Whoever asked asks again; the work goes on meanwhile. Must never be believed
// of anybody but the service: a relay could keep an app waiting with it, and show progress that is none.
import { GatehouseError } from '../contracts/errors.ts';

export interface Preparing {
  /** Bytes of the document that have been read so far, of so many readings: one for its hash, one to encrypt it. */
  readonly done: number;
  readonly total: number;
}

export interface PreparingOptions {
  /** Told each time that the service is not ready. */
  readonly onPreparing?: ((progress: Preparing) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Whether an error is the service's own word. Default: all are. */
  readonly believes?: (error: unknown) => boolean;
}

/** When to ask again where the answer does not say, and at the latest, in milliseconds. */
const pauseMs = { usual: 1_000, most: 60_000 };

/** The answer of a service that is not ready. */
export function preparingError({ done, total }: Preparing): GatehouseError {
  const share = total === 0 ? 0 : Math.floor((done / total) * 100);
  const message = `The service is still preparing the document (${share} %). Ask again in a moment; the work goes on.`;
  return new GatehouseError('document_preparing', message, {
    details: { done, total, retryAfterMs: pauseMs.usual },
  });
}

/**
 * Asks until the document is prepared, however long that takes, with the pauses that the service wants.
 * @throws GatehouseError what `ask` throws but `document_preparing`; `cancelled`
 */
export async function oncePrepared<T>(
  ask: () => Promise<T>,
  { onPreparing, signal, believes = () => true }: PreparingOptions = {},
): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isPreparing(error) || !believes(error)) throw error;
      const { done, total, retryAfterMs } = error.details;
      onPreparing?.({ done: bytesOf(done), total: bytesOf(total) });
      await pause(typeof retryAfterMs === 'number' ? retryAfterMs : pauseMs.usual, signal);
    }
  }
}

function isPreparing(error: unknown): error is GatehouseError {
  return error instanceof GatehouseError && error.code === 'document_preparing';
}

function bytesOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

function pause(wantedMs: number, signal: AbortSignal | undefined): Promise<void> {
  const milliseconds = Math.min(Math.max(wantedMs, 0), pauseMs.most);
  return new Promise((resolve, reject) => {
    const cancel = (): void => {
      clearTimeout(timer);
      reject(new GatehouseError('cancelled', 'The request was cancelled.'));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', cancel);
      resolve();
    }, milliseconds);
    if (signal?.aborted === true) cancel();
    else signal?.addEventListener('abort', cancel, { once: true });
  });
}
