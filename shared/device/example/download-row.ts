// A download as a person sees it: a bar, how far it is, and what can be done now.
import type { Download } from './download.ts';
import { announce, button, h, sizeText } from './dom.ts';

export class DownloadRow {
  readonly element = h('li', { class: 'download' });
  readonly #download: Download;
  readonly #bar = h('progress');
  readonly #text = h('span', { class: 'soft' });
  readonly #actions = h('span', { class: 'actions' });
  readonly #close: () => void;
  #drawn = '';

  constructor(download: Download, close: () => void) {
    this.#download = download;
    this.#close = close;
    this.#bar.setAttribute('aria-label', `Download of ${download.name}`);
    this.element.append(h('strong', {}, download.name), this.#bar, this.#text, this.#actions);
    this.draw();
  }

  draw(): void {
    const { state, received, length, prepared } = this.#download;
    this.element.dataset.state = state;
    const [value, max] = state === 'preparing' ? [prepared.done, prepared.total] : [received, length];
    if (max > 0) {
      this.#bar.max = max;
      this.#bar.value = value;
    }
    this.#text.textContent = this.#words();
    if (state === this.#drawn) return;
    this.#drawn = state;
    this.#actions.replaceChildren(...this.#buttons());
    if (state !== 'waiting') announce(`${this.#download.name}: ${state}`);
  }

  #words(): string {
    const { state, received, length, resumedFrom, reason } = this.#download;
    const share = length === 0 ? 100 : Math.floor((received / length) * 100);
    const far = `${sizeText(received)} of ${sizeText(length)} (${share} %)`;
    const before = resumedFrom > 0 ? `, ${sizeText(resumedFrom)} of it from before` : '';
    if (state === 'done') return `All of it, decrypted and authentic: ${sizeText(length)}${before}`;
    if (state === 'preparing') return this.#preparingWords();
    if (state === 'failed') return reason?.message ?? 'It failed.';
    if (state === 'paused') return `Paused at ${far}. ${reason === null ? '' : reason.message}`;
    return `${far}${before}`;
  }

  #preparingWords(): string {
    const { done, total } = this.#download.prepared;
    return `The agent is preparing it: ${total === 0 ? 0 : Math.floor((done / total) * 100)} %`;
  }

  #buttons(): HTMLElement[] {
    const download = this.#download;
    const { name, content } = download;
    const go = (label: string): HTMLElement =>
      button(label, () => download.run(), { 'aria-label': `${label}: ${name}` });
    switch (download.state) {
      case 'preparing':
      case 'running':
        return [button('Pause', () => download.pause(), { 'aria-label': `Pause: ${name}` })];
      case 'paused':
        return [go('Resume')];
      case 'failed':
        return [go('Try again'), button('Dismiss', this.#close, { class: 'quiet' })];
      case 'done':
        return content === null
          ? []
          : [saveLink(content, name), button('Dismiss', this.#close, { class: 'quiet' })];
      case 'waiting':
        return [];
    }
  }
}

function saveLink(content: Blob, name: string): HTMLElement {
  const save = h('a', { class: 'button', download: name.split('/').at(-1) ?? name }, 'Save');
  save.href = URL.createObjectURL(content);
  return save;
}
