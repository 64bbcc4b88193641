// Short news at the corner of the page, read aloud politely. Errors stay until they are closed and carry their code.
// Must never be the only place of something that cannot be undone, nor hold a secret.
import { toast as sonner } from 'svelte-sonner';
import { describeError } from '../i18n/error-text.ts';

/** How long news that need no answer stay, milliseconds. */
const SHORT_MS = 4000;

export interface ToastAction {
  readonly label: string;
  readonly run: () => void;
}

export const toast = {
  /** Something was done. */
  done(text: string, action?: ToastAction): void {
    sonner.success(text, { duration: SHORT_MS, ...button(action) });
  },
  info(text: string, action?: ToastAction): void {
    sonner.info(text, { duration: SHORT_MS, ...button(action) });
  },
  warn(text: string): void {
    sonner.warning(text, { duration: Number.POSITIVE_INFINITY });
  },
  /** Anything that was thrown, in the person's language with its code and the service's own sentence. */
  error(error: unknown): void {
    const { text, detail, code } = describeError(error);
    const description = detail === null ? code : `${detail} · ${code}`;
    sonner.error(text, { id: `${code} ${text}`, description, duration: Number.POSITIVE_INFINITY });
  },
};

function button(action: ToastAction | undefined) {
  return action === undefined ? {} : { action: { label: action.label, onClick: action.run } };
}
