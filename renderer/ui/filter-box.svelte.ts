// What a filter box knows: its text and where that breaks the rules, what can be completed at the caret, the history of
// what was searched for, and when a text is ready to be asked. Must never ask with a broken text.
import { completeFilter } from '../../shared/contracts/filter/complete.ts';
import type { Completion } from '../../shared/contracts/filter/complete.ts';
import type { Field, FilterProblem } from '../../shared/contracts/filter/filter.ts';
import { quoteValue } from '../../shared/contracts/filter/format.ts';
import { parseFilter } from '../../shared/contracts/filter/parse.ts';
import type { FilterHistory } from './filter-box-history.ts';

/** From the last key until a whole text is asked, milliseconds. */
const askAfterMs = 250;
/** From the last key until the service is asked for values, milliseconds. */
const completeAfterMs = 80;
const mostOptions = 12;

export interface FilterBoxOptions {
  readonly fields: readonly Field[];
  readonly history: FilterHistory;
  /** Values of a field that the service knows. */
  readonly values: (field: string, prefix: string, signal: AbortSignal) => Promise<readonly string[]>;
  readonly ask: (text: string) => void;
}

export class FilterBox {
  text = $state('');
  /** Open with something to choose from. */
  options = $state.raw<readonly string[]>([]);
  active = $state(-1);
  readonly problem: FilterProblem | null = $derived.by(() => this.#problemOf(this.text));
  readonly fields: readonly Field[];
  #caret = 0;
  #completion: Completion | null = null;
  #recalled = -1;
  #draft = '';
  #askTimer: ReturnType<typeof setTimeout> | undefined;
  #valuesTimer: ReturnType<typeof setTimeout> | undefined;
  #values: AbortController | null = null;
  readonly #options: FilterBoxOptions;

  constructor(options: FilterBoxOptions) {
    this.#options = options;
    this.fields = options.fields;
  }

  get open(): boolean {
    return this.options.length > 0;
  }

  /** Takes over what the address or a saved view says, without asking. */
  show(text: string): void {
    if (text === this.text.trim()) return;
    clearTimeout(this.#askTimer);
    this.text = text;
    this.close();
  }

  typed(text: string, caret: number): void {
    this.text = text;
    this.#recalled = -1;
    this.complete(caret);
    clearTimeout(this.#askTimer);
    this.#askTimer = setTimeout(() => this.#ask(), askAfterMs);
  }

  /** Asks at once, and remembers the text. */
  submit(): void {
    this.close();
    clearTimeout(this.#askTimer);
    if (this.problem !== null) return;
    this.#options.history.add(this.text);
    this.#ask();
  }

  set(text: string): void {
    this.text = text;
    this.submit();
  }

  complete(caret: number): void {
    this.#caret = caret;
    this.#completion = completeFilter(this.text, caret, this.fields);
    this.#offer(this.#completion?.candidates ?? []);
    this.#askForValues();
  }

  /** Puts an option in place of what was typed; returns where the caret goes. */
  accept(index: number): number {
    const option = this.options[index];
    const completion = this.#completion;
    if (option === undefined || completion === null) return this.#caret;
    const space = completion.kind === 'value' && completion.end >= this.text.trimEnd().length ? ' ' : '';
    const rest = this.text.slice(completion.end).replace(space === '' ? '' : /^\s/, '');
    const text = this.text.slice(0, completion.start) + option + space + rest;
    const caret = completion.start + option.length + space.length;
    this.typed(text, caret);
    if (completion.kind === 'value') this.close();
    return caret;
  }

  moveActive(by: 1 | -1): void {
    const count = this.options.length;
    this.active = Math.max(-1, Math.min(count - 1, this.active + by));
  }

  /** An earlier text (1) or a later one (-1). */
  recall(by: 1 | -1): void {
    const texts = this.#options.history.texts;
    const next = Math.max(-1, Math.min(texts.length - 1, this.#recalled + by));
    if (next === this.#recalled) return;
    if (this.#recalled === -1) this.#draft = this.text;
    this.#recalled = next;
    this.text = next === -1 ? this.#draft : (texts[next] ?? '');
    clearTimeout(this.#askTimer);
    this.#askTimer = setTimeout(() => this.#ask(), askAfterMs);
  }

  close(): void {
    this.options = [];
    this.active = -1;
    clearTimeout(this.#valuesTimer);
    this.#values?.abort();
  }

  stop(): void {
    clearTimeout(this.#askTimer);
    this.close();
  }

  #problemOf(text: string): FilterProblem | null {
    const parsed = parseFilter(text, this.fields, { now: Date.now() });
    return 'problem' in parsed ? parsed.problem : null;
  }

  #ask(): void {
    if (this.problem === null) this.#options.ask(this.text.trim());
  }

  #offer(options: readonly string[]): void {
    const prefix = this.#completion?.prefix ?? '';
    this.options = options.filter((option) => option !== prefix).slice(0, mostOptions);
    this.active = -1;
  }

  #askForValues(): void {
    clearTimeout(this.#valuesTimer);
    this.#values?.abort();
    const completion = this.#completion;
    if (completion === null || !completion.dynamic || completion.field === null) return;
    const { field, prefix } = completion;
    this.#valuesTimer = setTimeout(() => void this.#fetchValues(completion, field, prefix), completeAfterMs);
  }

  async #fetchValues(completion: Completion, field: string, prefix: string): Promise<void> {
    const abort = new AbortController();
    this.#values = abort;
    // Completion is a help: without it the box works as before.
    const values = await this.#options.values(field, prefix, abort.signal).catch(() => []);
    if (abort.signal.aborted || completion !== this.#completion) return;
    this.#offer([...completion.candidates, ...values.map(quoteValue)]);
  }
}
