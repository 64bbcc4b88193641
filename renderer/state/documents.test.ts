// The documents page's state: folders published and removed, what is in them page by page, versions, who fetched what.
import { beforeEach, describe, expect, it } from 'vitest';
import type { CollectionView, DocumentView } from '../../shared/contracts/console/documents.ts';
import { PublishForm } from './documents-form.svelte.ts';
import { PagedRows } from './documents-pages.svelte.ts';
import type { Rows } from './documents-pages.svelte.ts';
import { DocumentsState } from './documents.svelte.ts';
import { ServiceDouble, refuse } from './service-double.ts';

const collection = (name: string): CollectionView => ({
  name,
  folder: `/srv/${name}`,
  allowUpload: false,
  publishedAt: 0,
  problem: null,
});
const document = (name: string): DocumentView => ({ name, size: 1, modifiedAt: 0 });

let service: ServiceDouble;
let state: DocumentsState;
beforeEach(() => {
  service = new ServiceDouble();
  service.topics = { documents: { collections: [collection('a'), collection('b')], revision: 0 } };
  service.answers['documents.list'] = () => ({ documents: [document('x'), document('y')], next: null });
  service.answers['documents.versions'] = () => ({ versions: [] });
  service.answers['documents.fetches'] = () => ({ fetches: [], next: null });
  state = new DocumentsState(service);
});
const called = (name: string) => service.calls.filter((call) => call.name === name).map(({ args }) => args);

describe('PagedRows', () => {
  let answers: { resolve: (rows: Rows<string>) => void; reject: (error: unknown) => void }[];
  let pages: PagedRows<string>;
  beforeEach(() => {
    answers = [];
    pages = new PagedRows(() => {
      const { promise, resolve, reject } = Promise.withResolvers<Rows<string>>();
      answers.push({ resolve, reject });
      return promise;
    });
  });
  const answer = async (at: number, rows: readonly string[], next: string | null) => {
    answers[at]!.resolve({ rows, next });
    await new Promise((resolve) => setTimeout(resolve, 0));
  };

  it('says nothing of rows before the first page has come: loading is not empty', async () => {
    void pages.load();
    expect([pages.rows, pages.loading]).toEqual([null, 'first']);
    await answer(0, [], null);
    expect([pages.rows, pages.loading, pages.hasMore]).toEqual([[], null, false]);
  });

  it('puts more behind what is there, one page at a time', async () => {
    void pages.load();
    await answer(0, ['a'], 'after a');
    void pages.more();
    void pages.more();
    expect(answers).toHaveLength(2);
    await answer(1, ['b'], null);
    expect([pages.rows, pages.hasMore, pages.extended]).toEqual([['a', 'b'], false, true]);
  });

  it('drops what an earlier question answers late', async () => {
    void pages.load();
    void pages.load();
    await answer(1, ['new'], null);
    await answer(0, ['old'], 'more');
    expect([pages.rows, pages.hasMore, pages.loading]).toEqual([['new'], false, null]);
  });

  it('keeps the rows of the same question until the new ones are there, and after a failure', async () => {
    void pages.load();
    await answer(0, ['a'], null);
    void pages.load({ keep: true });
    expect(pages.rows).toEqual(['a']);
    answers[1]!.reject(new Error('gone'));
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect([pages.rows, pages.problem?.code]).toEqual([['a'], 'internal']);
  });
});

describe('DocumentsState', () => {
  it('does not go back to what the address still says when the list changes', () => {
    state.follow('', 'a');
    state.published('c');
    const collections = [collection('a'), collection('b'), collection('c')];
    service.topics = { documents: { collections, revision: 1 } };
    state.follow('', 'a');
    expect(state.collection?.name).toBe('c');
    state.follow('', 'b');
    state.follow('', 'a');
    expect(state.collection?.name).toBe('a');
  });

  it('shows the first collection, and the one of the address where it is there', () => {
    expect(state.collection?.name).toBe('a');
    state.follow('fetches', 'b');
    expect([state.tab, state.collection?.name]).toEqual(['fetches', 'b']);
    state.follow('', '');
    expect([state.tab, state.collection?.name]).toEqual(['collections', 'b']);
    state.follow('', 'gone');
    expect(state.collection?.name).toBe('a');
  });

  it('reads the folder of the chosen collection with what is searched', async () => {
    state.choose('b');
    state.search = ' plan ';
    await state.documents.load();
    expect(called('documents.list')).toEqual([{ collection: 'b', search: 'plan', cursor: null, limit: 200 }]);
  });

  it('closes the document and forgets the search when another collection is chosen', async () => {
    state.search = 'x';
    state.open('x');
    state.choose('b');
    expect([state.search, state.detail, state.documentName]).toEqual(['', null, null]);
  });

  it('shows a published collection without the old search, also where the list has moved to it by itself', () => {
    state.search = 'x';
    service.topics = { documents: { collections: [collection('0'), collection('a')], revision: 1 } };
    expect(state.collection?.name).toBe('0');
    state.published('0');
    expect([state.collection?.name, state.search]).toEqual(['0', '']);
  });

  it('opens versions and fetches of the document that a key moves to', async () => {
    await state.documents.load();
    state.move(1);
    state.move(1);
    expect([state.documentName, state.detail?.name]).toEqual(['y', 'y']);
    expect(called('documents.versions')).toEqual([
      { collection: 'a', document: 'x' },
      { collection: 'a', document: 'y' },
    ]);
    expect(called('documents.fetches').at(-1)).toMatchObject({ collection: 'a', document: 'y' });
  });

  it('moves through the collections and stops at both ends', () => {
    state.moveCollection(1);
    expect(state.collection?.name).toBe('b');
    state.moveCollection(1);
    expect(state.collection?.name).toBe('b');
    state.moveCollection(-9);
    expect(state.collection?.name).toBe('a');
  });

  it('asks for the fetches of all collections, or of one', async () => {
    await state.fetches.load();
    state.fetchesOf = 'b';
    await state.fetches.load();
    expect(called('documents.fetches').map((args) => (args as { collection: unknown }).collection)).toEqual([
      null,
      'b',
    ]);
  });

  it('removes a collection once that was asked about', async () => {
    service.answers['documents.remove'] = () => ({});
    state.askToRemove(collection('b'));
    expect(called('documents.remove')).toEqual([]);
    expect(await state.remove()).toBe('b');
    expect([called('documents.remove'), state.removing]).toEqual([[{ name: 'b' }], null]);
  });

  it('keeps the question open where removing failed', async () => {
    service.answers['documents.remove'] = refuse('data_folder_locked');
    state.askToRemove(collection('b'));
    await expect(state.remove()).rejects.toMatchObject({ code: 'data_folder_locked' });
    expect(state.removing?.name).toBe('b');
  });
});

describe('PublishForm', () => {
  it.each([
    ['', '', 'folder'],
    ['srv/x', 'x', 'folder_form'],
    ['/srv/x', '', null],
    ['/srv/x/', '', null],
    ['C:\\Akten', '', null],
    ['\\\\server\\akten', '', null],
    ['/', '', 'name'],
    ['/srv/x', 'a', 'name_taken'],
    ['/srv/x', '../a', 'name_form'],
    ['/srv/x', 'x'.repeat(65), 'name_form'],
    ['/srv/x', 'Verträge 2026', null],
  ] as const)('of folder %j and name %j lacks %s', (folder, name, gap) => {
    const form = new PublishForm(service);
    form.folder = folder;
    if (name !== '') form.name = name;
    expect(form.gap).toBe(gap);
  });

  it('names the collection after the folder until a person names it', async () => {
    service.answers['documents.publish'] = () => collection('akten');
    const form = new PublishForm(service);
    form.folder = '/srv/akten';
    expect(form.name).toBe('akten');
    form.allowUpload = true;
    expect(await form.submit()).toBe('akten');
    expect(called('documents.publish')).toEqual([{ name: 'akten', folder: '/srv/akten', allowUpload: true }]);
  });

  it('says why a folder was not published, and stays', async () => {
    service.answers['documents.publish'] = refuse('collection_folder_invalid');
    const form = new PublishForm(service);
    form.folder = '/nowhere';
    expect(await form.submit()).toBeNull();
    expect(form.task.problem?.code).toBe('collection_folder_invalid');
  });
});
