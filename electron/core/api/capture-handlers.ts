// Switching payload capture on and off.
import type { CaptureView } from '../../../shared/contracts/console/models.ts';
import type { CallsOf, ConsoleParts, Handlers } from './call-context.ts';

export function captureHandlers({ installation, audit }: ConsoleParts): Handlers<CallsOf<'capture'>> {
  return {
    'capture.set': async (change, { session: { actor } }) => {
      const { capture } = await installation.foundation();
      const value = change.minutes === 0 ? 'off' : `${change.minutes} min: ${change.rpcNames.join(', ')}`;
      const entry = {
        action: 'capture.changed',
        actor,
        subject: 'payload capture',
        old: told(capture.view()),
        value,
      } as const;
      return audit.around(entry, () => capture.set(change));
    },
  };
}

function told({ until, rpcNames }: CaptureView): string {
  return until === null ? 'off' : `until ${new Date(until).toISOString()}: ${rpcNames.join(', ')}`;
}
