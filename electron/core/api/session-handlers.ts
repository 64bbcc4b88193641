// Ending a live session of a client.
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { done } from './call-context.ts';
import type { CallsOf, ConsoleParts, Handlers } from './call-context.ts';

export function sessionHandlers({ installation, audit }: ConsoleParts): Handlers<CallsOf<'sessions'>> {
  return {
    'sessions.end': async ({ id }, { session: { actor } }) => {
      const session = installation.service.sessions.live().find(({ facts }) => facts.id === id);
      if (session === undefined) {
        throw new GatehouseError(
          'session_unknown',
          'There is no live session with this id. It may have ended.',
        );
      }
      await audit.record({ action: 'session.ended', actor, subject: id, old: session.facts.clientId });
      session.end(
        new GatehouseError('session_ended', 'The administrator of the service ended this session.'),
      );
      return done;
    },
  };
}
