// Access tokens: making one, which is shown this once, and revoking one.
import { AccessTokens } from '../secrets/access-tokens.ts';
import type { CallsOf, ConsoleParts, Handlers } from './call-context.ts';

export function tokenHandlers(parts: ConsoleParts): Handlers<CallsOf<'tokens'>> {
  const { installation, audit, changes } = parts;
  const store = new AccessTokens(installation.dataFolder);
  return {
    'tokens.create': async ({ user, expiresAt }, { session: { actor } }) => {
      const { tokens } = installation.service.data;
      const { id, token, store: write } = store.prepare(user, expiresAt);
      const undo = changes.expectToken(id, 'created');
      await audit
        .around({ action: 'token.created', actor, subject: id, value: user }, write)
        .catch((error: unknown) => {
          undo();
          throw error;
        });
      await tokens.refresh();
      return { id, token };
    },
    'tokens.revoke': async ({ id }, { session: { actor } }) => {
      const { data, sessions } = installation.service;
      const user = data.tokens.find(id)?.user ?? null;
      const ofToken = (): number =>
        sessions.live().filter(({ verification }) => verification?.tokenId === id).length;
      const undo = changes.expectToken(id, 'revoked');
      await audit
        .around({ action: 'token.revoked', actor, subject: id, old: user }, () => store.revoke(id))
        .catch((error: unknown) => {
          undo();
          throw error;
        });
      const before = ofToken();
      await data.tokens.refresh();
      return { sessionsEnded: before - ofToken() };
    },
  };
}
