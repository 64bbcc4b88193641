// The topics about devices and whether one waits, their sessions, and document collections.
import type { RunningService } from '../app.ts';
import type { ConsoleParts } from './call-context.ts';
import { both, looking, ofService } from './topic-watches.ts';
import type { TopicSources } from './topics-hub.ts';

/** How often what has no event of its own, or far too many, is looked at while somebody listens, in milliseconds. */
const lookEveryMs = { seen: 3_000, sessions: 1_000, folders: 10_000 } as const;

export type DeviceTopic = 'attention' | 'devices' | 'deviceSessions' | 'documents';

export function deviceTopics({ installation }: ConsoleParts): Pick<TopicSources, DeviceTopic> {
  const whileServing = <T>(read: (service: RunningService) => T) => {
    return (): T | null => (installation.serving ? read(installation.service) : null);
  };
  const settings = (changed: () => void) => installation.listen({ onSettings: () => changed() });
  const onDevices = ofService(installation, ({ devices }, changed) => devices.onChange(changed));
  const onDocuments = ofService(installation, ({ data }, changed) => data.documents.onChange(changed));
  return {
    attention: {
      read: whileServing(({ devices }) => ({ waitingDevices: devices.waiting })),
      watch: onDevices,
    },
    devices: {
      read: whileServing(({ devices }) => devices.view()),
      watch: both(both(settings, onDevices), looking(lookEveryMs.seen)),
    },
    deviceSessions: {
      read: whileServing(({ devices }) => devices.sessionsView()),
      watch: looking(lookEveryMs.sessions),
    },
    documents: {
      read: whileServing(async ({ data: { documents } }) => {
        const { revision } = documents;
        return { collections: await documents.collectionViews(), revision };
      }),
      watch: both(onDocuments, looking(lookEveryMs.folders)),
    },
  };
}
