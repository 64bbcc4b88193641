// The latest texts of a filter box, newest first, kept in this browser. Must hold no text twice.

const most = 50;

export class FilterHistory {
  texts: readonly string[];
  readonly #key: string;
  readonly #storage: Pick<Storage, 'getItem' | 'setItem'>;

  constructor(storage: Pick<Storage, 'getItem' | 'setItem'>, name: string) {
    this.#storage = storage;
    this.#key = `gatehouse.${name}.history`;
    this.texts = this.#read();
  }

  add(text: string): void {
    const added = text.trim();
    if (added === '') return;
    this.texts = [added, ...this.texts.filter((known) => known !== added)].slice(0, most);
    try {
      this.#storage.setItem(this.#key, JSON.stringify(this.texts));
    } catch {
      // The browser keeps nothing: the history lasts as long as the page.
    }
  }

  #read(): readonly string[] {
    try {
      const value: unknown = JSON.parse(this.#storage.getItem(this.#key) ?? '[]');
      return Array.isArray(value) ? value.filter((text) => typeof text === 'string').slice(0, most) : [];
    } catch {
      return [];
    }
  }
}
