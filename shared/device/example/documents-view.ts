// Collections, documents and downloads. Lists come page by page; names are the agent's, and shown as text.
import type { CollectionsAnswer, DocumentEntry, ListAnswer } from '../../contracts/documents.ts';
import { GatehouseError } from '../../contracts/errors.ts';
import type { Device, Session } from '../index.ts';
import { Download } from './download.ts';
import { DownloadRow } from './download-row.ts';
import { button, h, sizeText } from './dom.ts';
import type { SessionStrip } from './session-strip.ts';

/** Typing rests this long before a search is asked for, in milliseconds. */
const searchRestMs = 250;

export interface DocumentsViewOptions {
  readonly device: Device;
  readonly session: Session;
  readonly strip: SessionStrip;
  /** Told of errors that end the view: revoked, another agent. */
  readonly onFailed: (error: unknown) => void;
}

export class DocumentsView {
  readonly element: HTMLElement;
  readonly #options: DocumentsViewOptions;
  readonly #collections = h('select', { id: 'collection', change: () => void this.#list(null) });
  readonly #search = h('input', {
    id: 'search',
    type: 'search',
    placeholder: 'Part of a name',
    input: () => this.#searchSoon(),
  });
  readonly #rows = h('tbody');
  readonly #note = h('p', { class: 'soft', role: 'status' });
  readonly #more = button('More', () => this.#list(this.#next), { class: 'quiet' });
  readonly #downloads = h('ul', { class: 'downloads', 'aria-label': 'Downloads' });
  readonly #running = new Map<string, Download>();
  #next: string | null = null;
  #asked = 0;
  #rest: ReturnType<typeof setTimeout> | undefined;

  constructor(options: DocumentsViewOptions) {
    this.#options = options;
    const heads = ['Name', 'Size', 'Changed'].map((head) => h('th', { scope: 'col' }, head));
    this.element = h(
      'section',
      { class: 'card' },
      h('h2', {}, 'Documents'),
      h(
        'div',
        { class: 'fields' },
        h('label', { for: 'collection' }, 'Collection', this.#collections),
        h('label', { for: 'search', class: 'grow' }, 'Search', this.#search),
      ),
      this.#downloads,
      h(
        'div',
        { class: 'scroll' },
        h(
          'table',
          {},
          h(
            'thead',
            {},
            h('tr', {}, ...heads, h('th', { scope: 'col' }, h('span', { class: 'unseen' }, 'Download'))),
          ),
          this.#rows,
        ),
      ),
      this.#note,
      this.#more,
    );
    this.#more.hidden = true;
  }

  /** Asks for the collections, and lists the first. */
  async open(): Promise<void> {
    try {
      const answer = await this.#options.session.request('documents.collections', {}, { idempotent: true });
      const { collections } = answer as CollectionsAnswer;
      this.#collections.replaceChildren(...collections.map(({ name }) => h('option', { value: name }, name)));
      if (collections.length > 0) await this.#list(null);
      else this.#note.textContent = 'No collection is published for you. Ask the administrator.';
    } catch (error) {
      this.#options.onFailed(error);
    }
  }

  #searchSoon(): void {
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => void this.#list(null), searchRestMs);
  }

  async #list(cursor: string | null): Promise<void> {
    const asked = ++this.#asked;
    const search = this.#search.value.trim();
    const args = {
      collection: this.#collections.value,
      ...(search !== '' && { search }),
      ...(cursor !== null && { cursor }),
    };
    try {
      const answer = await this.#options.session.request('documents.list', args, { idempotent: true });
      if (asked !== this.#asked) return;
      const { documents, next } = answer as ListAnswer;
      const rows = documents.map((document) => this.#row(document));
      if (cursor === null) this.#rows.replaceChildren(...rows);
      else this.#rows.append(...rows);
      this.#next = next;
      this.#more.hidden = next === null;
      const shown = this.#rows.childElementCount;
      this.#note.textContent =
        shown === 0
          ? 'Nothing of that name.'
          : `${shown} shown${next === null ? '' : ', and there are more'}`;
    } catch (error) {
      if (asked === this.#asked) this.#failed(error);
    }
  }

  #row({ name, size, modifiedAt }: DocumentEntry): HTMLElement {
    const changed = new Date(modifiedAt);
    return h(
      'tr',
      {},
      h('td', { class: 'name' }, name),
      h('td', { class: 'number' }, sizeText(size)),
      h(
        'td',
        { class: 'soft' },
        h('time', { datetime: changed.toISOString() }, changed.toLocaleDateString()),
      ),
      h(
        'td',
        { class: 'act' },
        button('Download', () => this.#download(name), { 'aria-label': `Download ${name}` }),
      ),
    );
  }

  #download(name: string): void {
    const collection = this.#collections.value;
    const key = `${collection}/${name}`;
    const { device, session } = this.#options;
    const running = this.#running.get(key);
    if (running !== undefined) {
      if (running.state === 'paused' || running.state === 'failed') void running.run();
      return;
    }
    const download: Download = new Download({ collection, name }, device, session, () => row.draw());
    const row: DownloadRow = new DownloadRow(download, () => {
      this.#running.delete(key);
      row.element.remove();
    });
    this.#running.set(key, download);
    this.#downloads.append(row.element);
    void download.run().then(() => this.#ends(download.reason));
  }

  #failed(error: unknown): void {
    this.#note.textContent = error instanceof Error ? error.message : String(error);
    if (error instanceof GatehouseError) this.#ends(error);
  }

  /** What no retry helps against is the whole page's business. */
  #ends(error: GatehouseError | null): void {
    if (error !== null && fatal.has(error.code)) this.#options.onFailed(error);
  }
}

const fatal: ReadonlySet<string> = new Set([
  'device_revoked',
  'device_unknown',
  'device_pending',
  'AGENT_PUBLIC_KEY_CHANGED',
  'AGENT_NOT_AUTHENTIC',
  'oidc_login_failed',
  'oidc_token_rejected',
]);
