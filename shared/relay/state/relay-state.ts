// What a relay keeps on disk: enrolled keys and tokens as hashes, one file a record. It is read at use, so that
// the command line changes a running relay; nothing in it opens anything that passes through the relay.
import { join } from 'node:path';
import { ensurePrivateFolder } from '../../storage/atomic-file.ts';
import { holdFolder } from '../../storage/folder-lock.ts';
import { watchFolder } from '../../storage/watch-folder.ts';
import type { GatehouseError } from '../../contracts/errors.ts';
import { ClientTokens } from './client-tokens.ts';
import { EnrolmentTokens } from './enrolment-tokens.ts';
import { PinnedServices } from './pinned-services.ts';

/** Where one rejects, it is called again until it works. */
export interface StateChanges {
  readonly clientTokens: () => Promise<void>;
  readonly services: () => Promise<void>;
  readonly onProblem: (problem: GatehouseError) => void;
}

export class RelayState {
  readonly folder: string;
  readonly services: PinnedServices;
  readonly clientTokens: ClientTokens;
  readonly enrolmentTokens: EnrolmentTokens;

  private constructor(folder: string) {
    this.folder = folder;
    this.services = new PinnedServices(join(folder, 'services'));
    this.clientTokens = new ClientTokens(join(folder, 'client-tokens'));
    this.enrolmentTokens = new EnrolmentTokens(join(folder, 'enrolment-tokens'));
  }

  /** Makes the folders where they are missing. @throws GatehouseError `storage_failed` */
  static async open(folder: string): Promise<RelayState> {
    const state = new RelayState(folder);
    await ensurePrivateFolder(folder);
    await state.services.prepare();
    await state.clientTokens.prepare();
    await state.enrolmentTokens.prepare();
    return state;
  }

  /** Makes this process the one relay on the folder. Returns the release. @throws GatehouseError `data_folder_in_use` */
  hold(): Promise<() => Promise<void>> {
    return holdFolder(this.folder, 'relay');
  }

  /** Calls within a second after records have changed. Returns the unsubscribe. */
  watch(on: StateChanges): () => void {
    const { onProblem } = on;
    const stopTokens = watchFolder(this.clientTokens.folder, on.clientTokens, { onProblem });
    const stopServices = watchFolder(this.services.folder, on.services, { onProblem });
    return () => {
      stopTokens();
      stopServices();
    };
  }
}
