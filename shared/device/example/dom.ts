// Making elements without a framework. Text is always set as text: nothing that came from outside is ever markup.

type Child = Node | string | null | undefined;
type Attributes = Readonly<Record<string, string | boolean | ((event: Event) => void)>>;

/** `<tag …attributes>children</tag>`; a function is a listener of the event that its attribute names. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false) element.setAttribute(name, value);
  }
  element.append(...there(children));
  return element;
}

/** Puts `children` in the place of what `element` holds. */
export function fill(element: HTMLElement, ...children: readonly Child[]): void {
  element.replaceChildren(...there(children));
}

function there(children: readonly Child[]): (Node | string)[] {
  return children.filter((child) => child !== null && child !== undefined);
}

/** The element of the page with this id. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no #${id}`);
  return element;
}

export function button(label: string, press: () => unknown, more: Attributes = {}): HTMLButtonElement {
  return h('button', { type: 'button', ...more, click: () => void press() }, label);
}

/** Told to screen readers, once. */
export function announce(text: string): void {
  byId('announcer').textContent = text;
}

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];

export function sizeText(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${value.toFixed(power === 0 || value >= 100 ? 0 : 1)} ${units[power] ?? ''}`;
}

/** `4:05` */
export function clockText(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
