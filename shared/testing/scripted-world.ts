// A scripted relay and service with a client logged in to them, for the length of one test.
import { login } from '../client/index.ts';
import type { Client, LoginOptions } from '../client/index.ts';
import type { Script, ScriptedService } from './script.ts';
import { startScriptedService } from './scripted-service.ts';

export interface World {
  readonly peer: ScriptedService;
  readonly client: Client;
  readonly warnings: string[];
}

/** An access token that a script can accept. */
export const scriptedToken = {
  id: 'abcdefghijkl',
  secret: 'Q2Fubm90QmVTZWVuT25UaGVXaXJlSW5BbnlGb3Jt' + 'abc',
};
export const scriptedTokenText = `gh_${scriptedToken.id}_${scriptedToken.secret}`;

/** Runs `test` in a world of its own, and ends that whatever happens. */
export async function inWorld(
  script: Script,
  options: Partial<LoginOptions>,
  test: (world: World) => Promise<void>,
): Promise<void> {
  const peer = await startScriptedService(script);
  const warnings: string[] = [];
  try {
    const client = await login({ relay: peer.url, onWarning: (text) => warnings.push(text), ...options });
    try {
      await test({ peer, client, warnings });
    } finally {
      await client.close();
    }
  } finally {
    await peer.close();
  }
}

/** The `code` that `promise` rejects with, or `resolved`. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'resolved';
  } catch (error) {
    return String((error as { code?: unknown }).code ?? error);
  }
}
