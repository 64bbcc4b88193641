// The topics about the request log: that it changed, exports, payload capture, audit.
import type { ConsoleParts } from './call-context.ts';
import type { ConsoleFoundation } from '../data-folder.ts';
import type { TopicSources } from './topics-hub.ts';

export type InspectorTopic = 'requests' | 'exports' | 'capture' | 'audit';

export function inspectorTopics({ installation, exports }: ConsoleParts): Pick<TopicSources, InspectorTopic> {
  const from = <T>(read: (foundation: ConsoleFoundation) => T) => {
    return async (): Promise<T> => read(await installation.foundation());
  };
  const follow = (listen: (foundation: ConsoleFoundation, changed: () => void) => () => void) => {
    return (changed: () => void) => listenLater(installation.foundation(), (each) => listen(each, changed));
  };
  return {
    requests: {
      read: from(({ inspector }) => inspector.change),
      watch: follow(({ inspector }, changed) => inspector.onChange(changed)),
    },
    exports: {
      read: (session) => exports.of(session),
      watch: (changed) => exports.onChange(changed),
      perSession: true,
    },
    capture: {
      read: from(({ capture }) => capture.view()),
      watch: follow(({ capture }, changed) => capture.onChange(changed)),
    },
    audit: {
      read: from(({ audit }) => audit.change),
      watch: follow(({ audit }, changed) => audit.onChange(changed)),
    },
  };
}

/** Listens once the foundation is there; where it never is, there is nothing to hear. */
function listenLater(
  foundation: Promise<ConsoleFoundation>,
  listen: (foundation: ConsoleFoundation) => () => void,
): () => void {
  let ended = false;
  let unlisten = (): void => undefined;
  foundation
    .then((opened) => {
      if (!ended) unlisten = listen(opened);
    })
    .catch(() => undefined);
  return () => {
    ended = true;
    unlisten();
  };
}
