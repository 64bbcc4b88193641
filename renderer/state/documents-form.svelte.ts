// Publishing a folder. The name follows the folder's own until a person types one. The service decides what may be
// published; what is checked here only says it sooner.
import { maxLength } from '../../shared/contracts/console/calls.ts';
import { maxCollectionNameLength } from '../../shared/contracts/documents.ts';
import { Task } from './task.svelte.ts';
import type { Service } from './task.svelte.ts';

export class PublishForm {
  allowUpload = $state(false);
  readonly task = new Task();
  readonly #service: Service;
  /** What a person has typed; null while the name follows the folder. */
  #name = $state<string | null>(null);
  #folder = $state('');

  constructor(service: Service) {
    this.#service = service;
  }

  get folder(): string {
    return this.#folder;
  }

  set folder(folder: string) {
    this.#folder = folder;
    this.task.clear();
  }

  get name(): string {
    return this.#name ?? lastPart(this.#folder);
  }

  set name(name: string) {
    this.#name = name;
    this.task.clear();
  }

  /** What stops the folder from being published; null where nothing does. */
  get gap(): 'folder' | 'folder_form' | 'name' | 'name_form' | 'name_taken' | null {
    const folder = this.folder.trim();
    const name = this.name.trim().normalize('NFC');
    if (folder === '') return 'folder';
    if (!isAbsolute(folder) || folder.length > maxLength.folder) return 'folder_form';
    if (name === '') return 'name';
    if (!isName(name)) return 'name_form';
    return this.#taken(name) ? 'name_taken' : null;
  }

  /** Answers the name of the new collection; null where it was not made. */
  async submit(): Promise<string | null> {
    if (this.gap !== null) return null;
    const args = { name: this.name.trim(), folder: this.folder.trim(), allowUpload: this.allowUpload };
    const made = await this.task.run(() => this.#service.call('documents.publish', args));
    return made?.name ?? null;
  }

  #taken(name: string): boolean {
    return this.#service.topic('documents')?.collections.some((each) => each.name === name) === true;
  }
}

function isName(name: string): boolean {
  return name.length <= maxCollectionNameLength && /^[\p{L}\p{N}][\p{L}\p{N}\p{M} ._-]*$/u.test(name);
}

/** As POSIX or Windows writes it: the service may run on either. */
function isAbsolute(folder: string): boolean {
  return /^(\/|[A-Za-z]:[\\/]|\\\\)/.test(folder);
}

function lastPart(folder: string): string {
  return (
    folder
      .trim()
      .split(/[\\/]/)
      .findLast((part) => part !== '') ?? ''
  );
}
