// The documents page: which folders are published, what is in the chosen one, the versions of the chosen document, and who
// fetched what. Folders are read only where a person looks. Must never hold a key or the content of a document.
import type {
  CollectionView,
  DocumentFetch,
  DocumentsView,
  DocumentView,
  VersionView,
} from '../../shared/contracts/console/documents.ts';
import { PagedRows } from './documents-pages.svelte.ts';
import { Task } from './task.svelte.ts';
import type { Service } from './task.svelte.ts';

export const documentTabs = ['collections', 'fetches'] as const;
export type DocumentTab = (typeof documentTabs)[number];

/** Rows that are asked for at a time. */
export const pageLength = 200;
/** Of who fetched one document. */
const detailLength = 50;

export class DocumentsState {
  tab = $state<DocumentTab>('collections');
  search = $state('');
  /** The collection that a person wants to remove and has not confirmed yet. */
  removing = $state.raw<CollectionView | null>(null);
  /** Whose fetches are shown; empty: of all. */
  fetchesOf = $state('');
  readonly documents: PagedRows<DocumentView>;
  readonly fetches: PagedRows<DocumentFetch>;
  readonly #service: Service;
  #collection = $state<string | null>(null);
  #document = $state<string | null>(null);
  #followed: string | null = null;
  detail = $state.raw<DocumentDetail | null>(null);

  constructor(service: Service) {
    this.#service = service;
    this.documents = new PagedRows(async (cursor) => {
      const args = {
        collection: this.collection?.name ?? '',
        search: this.search.trim(),
        cursor,
        limit: pageLength,
      };
      const { documents, next } = await service.call('documents.list', args);
      return { rows: documents, next };
    });
    this.fetches = new PagedRows(async (cursor) => {
      const collection = this.fetchesOf === '' ? null : this.fetchesOf;
      const page = await service.call('documents.fetches', {
        collection,
        document: null,
        cursor,
        limit: pageLength,
      });
      return { rows: page.fetches, next: page.next };
    });
  }

  get view(): DocumentsView | undefined {
    return this.#service.topic('documents');
  }

  get collections(): readonly CollectionView[] {
    return this.view?.collections ?? [];
  }

  /** The chosen one; the first where none is, or the chosen one is gone. */
  get collection(): CollectionView | null {
    const { collections } = this;
    return collections.find(({ name }) => name === this.#collection) ?? collections[0] ?? null;
  }

  get documentName(): string | null {
    return this.#document;
  }

  /**
   * Shows what the address says; an empty collection changes none. Each address is followed once: a list with what was
   * just published must not lead back to the collection that the address still names.
   */
  follow(tab: string, collection: string): void {
    const address = `${tab}/${collection}`;
    if (address === this.#followed) return;
    this.#followed = address;
    this.tab = tab === 'fetches' ? tab : 'collections';
    if (collection !== '') this.choose(collection);
  }

  choose(collection: string): void {
    if (collection === this.collection?.name) return;
    this.#collection = collection;
    this.search = '';
    this.open(null);
  }

  /** Shows what was just published, whether or not the list has moved to it by itself: it tells of it first or last. */
  published(collection: string): void {
    this.tab = 'collections';
    this.#collection = collection;
    this.search = '';
    this.open(null);
  }

  /** Moves through the collections; a large `by` goes to the end. */
  moveCollection(by: number): void {
    const name = moved(
      this.collections.map((each) => each.name),
      this.collection?.name ?? null,
      by,
    );
    if (name !== null) this.choose(name);
  }

  /** Moves through the documents that are loaded. */
  move(by: number): void {
    const names = (this.documents.rows ?? []).map(({ name }) => name);
    this.open(moved(names, this.#document, by));
  }

  /** Shows versions and fetches of a document; null closes them. */
  open(name: string | null): void {
    this.#document = name;
    const collection = this.collection?.name;
    this.detail =
      name === null || collection === undefined ? null : new DocumentDetail(this.#service, collection, name);
    void this.detail?.load();
  }

  askToRemove(collection: CollectionView): void {
    this.removing = collection;
  }

  /** Answers its name. Rejects with a GatehouseError. */
  async remove(): Promise<string> {
    const name = this.removing?.name ?? '';
    if (this.removing !== null) await this.#service.call('documents.remove', { name });
    if (this.#collection === name) this.#collection = null;
    this.removing = null;
    this.open(null);
    return name;
  }
}

/** One document: its versions, and who fetched them. */
export class DocumentDetail {
  readonly collection: string;
  readonly name: string;
  versions = $state.raw<readonly VersionView[] | null>(null);
  readonly task = new Task();
  readonly fetches: PagedRows<DocumentFetch>;
  readonly #service: Service;

  constructor(service: Service, collection: string, name: string) {
    this.#service = service;
    this.collection = collection;
    this.name = name;
    this.fetches = new PagedRows(async (cursor) => {
      const args = { collection, document: name, cursor, limit: detailLength };
      const page = await service.call('documents.fetches', args);
      return { rows: page.fetches, next: page.next };
    });
  }

  async load(): Promise<void> {
    const { collection, name: document } = this;
    const versions = this.task.run(() => this.#service.call('documents.versions', { collection, document }));
    const [answer] = await Promise.all([versions, this.fetches.load({ keep: true })]);
    if (answer !== undefined) this.versions = answer.versions;
  }
}

function moved(names: readonly string[], present: string | null, by: number): string | null {
  const at = present === null ? -1 : names.indexOf(present);
  const from = at === -1 ? (by > 0 ? -1 : names.length) : at;
  return names[Math.min(Math.max(from + by, 0), names.length - 1)] ?? null;
}
