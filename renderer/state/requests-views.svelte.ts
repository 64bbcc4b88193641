// Saved views: filters with their order and columns under a name. Saving under a name that is taken replaces that view.
import type { SavedView } from '../../shared/contracts/console/models.ts';
import type { ConsoleModel } from './console.svelte.ts';

export class SavedViews {
  all = $state.raw<readonly SavedView[]>([]);
  readonly #console: ConsoleModel;

  constructor(console: ConsoleModel) {
    this.#console = console;
  }

  async load(): Promise<void> {
    try {
      this.all = (await this.#console.call('views.list', {})).views;
    } catch (error) {
      this.#console.report(error);
    }
  }

  named(name: string): SavedView | undefined {
    return this.all.find((view) => view.name === name.trim());
  }

  async save(view: Omit<SavedView, 'id'>): Promise<void> {
    const { filter, sort, columns } = view;
    const name = view.name.trim();
    await this.#console.call('views.save', { name, filter, sort, columns: [...columns] });
    await this.load();
  }

  /** Saves it under the new name before the old one goes, so that it is never lost. */
  async rename(view: SavedView, name: string): Promise<void> {
    if (name.trim() === view.name) return;
    await this.save({ ...view, name });
    await this.remove(view);
  }

  async remove(view: SavedView): Promise<void> {
    await this.#console.call('views.delete', { id: view.id });
    await this.load();
  }
}
