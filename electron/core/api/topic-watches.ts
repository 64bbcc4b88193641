// How the topics are told that their value may be another one: by events, by the service that runs, by looking now and then.
import type { RunningService } from '../app.ts';
import type { Installation } from '../installation.ts';

/** Calls `changed` whenever something may have. Returns the end of that. */
export type Watch = (changed: () => void) => () => void;

export function both(first: Watch, second: Watch): Watch {
  return (changed) => {
    const ends = [first(changed), second(changed)];
    return () => ends.forEach((end) => end());
  };
}

/** For what has no event of its own. */
export function looking(everyMs: number): Watch {
  return (changed) => {
    const timer = setInterval(changed, everyMs).unref();
    return () => clearInterval(timer);
  };
}

/** Also when another service begins to serve, or none does any more. */
export function ofService(
  installation: Installation,
  watch: (service: RunningService, changed: () => void) => () => void,
): Watch {
  return (changed) => {
    const unlisten = installation.listen({ onPhase: () => changed() });
    const detach = onEachService(installation, (service) => watch(service, changed));
    return () => {
      unlisten();
      detach();
    };
  };
}

/** Runs `attach` on the service that serves, and again on the next one. Returns the end of that. */
export function onEachService(
  installation: Installation,
  attach: (service: RunningService) => () => void,
): () => void {
  let attached: RunningService | null = null;
  let detach = (): void => undefined;
  const follow = (): void => {
    const service = installation.serving ? installation.service : null;
    if (service === attached) return;
    detach();
    attached = service;
    detach = service === null ? () => undefined : attach(service);
  };
  const unlisten = installation.listen({ onPhase: follow });
  follow();
  return () => {
    unlisten();
    detach();
  };
}
