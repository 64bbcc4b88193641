// The link to the relay: retry, measure, exchange.
import type { RelayChoice } from '../../../shared/contracts/console/models.ts';
import { done } from './call-context.ts';
import type { CallsOf, ConsoleParts, Handlers } from './call-context.ts';

export function connectivityHandlers(parts: ConsoleParts): Handlers<CallsOf<'connectivity'>> {
  const { installation, audit, monitor } = parts;
  return {
    'connectivity.retryNow': () => {
      installation.service.relay.retryNow();
      return done;
    },
    'connectivity.measure': async () => ({ measured: await monitor.measure() }),
    'connectivity.setRelay': async ({ password, relay }, { session }) => {
      await parts.password.open(session, password);
      const old = installation.relay.inUse;
      const change = {
        action: 'relay.changed',
        actor: session.actor,
        subject: 'relay',
        old: old === null ? null : old.kind === 'local' ? 'local' : old.url,
        value: nameOf(relay),
      } as const;
      await audit.around(change, () => installation.setRelay(relay));
      return done;
    },
  };
}

function nameOf(relay: RelayChoice): string {
  return relay.kind === 'local' ? 'local' : relay.url;
}
