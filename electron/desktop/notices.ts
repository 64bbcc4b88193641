// Notifications of the operating system, for what a person should see although no window is looked at. A flood of
// refusals shows one of each kind in a while, and never a secret.
import type { Notice } from '../core/ports.ts';
import type { Texts } from './texts.ts';

/** At most one notification of a kind in so long, in milliseconds. */
const quietMs = 30_000;

export type ShowNotification = (title: string, body: string) => void;

export function noticeTeller(texts: Texts, show: ShowNotification, now = Date.now): (notice: Notice) => void {
  const last = new Map<Notice['kind'], number>();
  return ({ kind, code, clientId }) => {
    if (now() - (last.get(kind) ?? -Infinity) < quietMs) return;
    last.set(kind, now());
    show(texts.notice[kind], texts.noticeFrom(printable(clientId), code));
  };
}

/** A client chooses its own name: no control characters, and not endless. */
function printable(text: string): string {
  return text.replaceAll(/[\p{C}\p{Z}]+/gu, ' ').slice(0, 64);
}
