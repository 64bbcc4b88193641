// Registering this browser, and comparing fingerprints until the administrator has confirmed it. The page cannot know
// whether the fingerprints match: it shows them in full beside issuer and subject, and says `pending` as long as it is.
import { GatehouseError } from '../../contracts/errors.ts';
import type { Device, DeviceKey, KeyStore, Session } from '../index.ts';
import type { AppConfig } from './config.ts';
import { button, fill, h } from './dom.ts';
import { fingerprintCard } from './fingerprints.ts';

/** How often a pending device asks, in milliseconds. */
const askEveryMs = 3000;

export interface DeviceViewOptions {
  readonly config: AppConfig;
  readonly subject: string;
  readonly device: Device;
  readonly keys: KeyStore;
  /** The name of this device in the key store. */
  readonly keyName: string;
  readonly onSession: (session: Session, key: DeviceKey) => void;
}

export class DeviceView {
  readonly element = h('section', { class: 'card' });
  readonly #options: DeviceViewOptions;
  readonly #problem = h('p', { class: 'problem', role: 'alert' });
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: DeviceViewOptions) {
    this.#options = options;
    this.#problem.hidden = true;
  }

  /** Signs in as the device where there is one, or offers to register. */
  async open(): Promise<void> {
    const { keys, keyName } = this.#options;
    if (keys.contains(keyName)) await this.#logIn(keys.get(keyName));
    else this.#offer();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #offer(): void {
    const name = h('input', { id: 'device-name', maxlength: '128', value: nameOfBrowser() });
    const code = h('input', {
      id: 'code',
      autocomplete: 'off',
      spellcheck: 'false',
      class: 'mono',
      placeholder: 'Optional',
    });
    const register = button(
      'Register this browser',
      () => this.#register(name.value.trim(), code.value.trim(), register),
      {
        class: 'main',
      },
    );
    fill(
      this.element,
      h('h2', {}, 'Register this browser'),
      h(
        'p',
        {},
        'A new key is made here, and its private half never leaves this browser. The administrator confirms the device once both of you have compared fingerprints.',
      ),
      h(
        'div',
        { class: 'fields' },
        h('label', { for: 'device-name', class: 'grow' }, 'Name, as the administrator will see it', name),
        h('label', { for: 'code', class: 'grow' }, 'One-time registration code, if you were given one', code),
      ),
      this.#problem,
      register,
    );
  }

  async #register(name: string, code: string, pressed: HTMLButtonElement): Promise<void> {
    const { device, keys, keyName } = this.#options;
    pressed.disabled = true;
    this.#problem.hidden = true;
    try {
      const { extractable } = keys;
      await device.loadAgentInfo();
      const key = await device.registerAs(name, code === '' ? { extractable } : { extractable, code });
      keys.add(keyName, key);
      await keys.postpare();
      await this.#logIn(key);
    } catch (error) {
      pressed.disabled = false;
      this.#tell(error);
    }
  }

  async #logIn(key: DeviceKey): Promise<void> {
    const { device, onSession } = this.#options;
    clearTimeout(this.#timer);
    try {
      onSession(await device.login(key), key);
    } catch (error) {
      this.#show(key, error);
      if (error instanceof GatehouseError && waits.has(error.code)) {
        this.#timer = setTimeout(() => void this.#logIn(key), askEveryMs);
      }
    }
  }

  #show(key: DeviceKey, error: unknown): void {
    const pending = error instanceof GatehouseError && error.code === 'device_pending';
    if (pending && this.element.dataset.pending === key.identity.fingerprint) return;
    this.element.dataset.pending = pending ? key.identity.fingerprint : '';
    const title = pending ? 'Compare the fingerprints' : 'This device cannot sign in';
    const advice = pending
      ? 'Compare both with what the console shows under Devices: over the phone, or side by side, never through the relay. If a single group differs, somebody is in between: do not go on. This page goes on by itself once the administrator has confirmed.'
      : '';
    fill(
      this.element,
      h('h2', {}, title, pending ? h('span', { class: 'pill warn' }, 'pending') : null),
      advice === '' ? null : h('p', {}, advice),
      this.#problem,
      this.#whose(key),
      prints(key),
      pending
        ? null
        : h(
            'div',
            { class: 'actions' },
            button('Try again', () => this.#logIn(key)),
            button('Forget this key and register again', () => this.#forget(), { class: 'quiet' }),
          ),
    );
    if (pending) this.#problem.hidden = true;
    else this.#tell(error);
  }

  #whose({ issuer, subject, serviceId }: DeviceKey): HTMLElement {
    return factList([
      ['Signed in as', subject],
      ['at', issuer],
      ['Service', serviceId],
    ]);
  }

  async #forget(): Promise<void> {
    const { keys, keyName } = this.#options;
    keys.remove(keyName);
    await keys.postpare();
    this.#problem.hidden = true;
    this.#offer();
  }

  #tell(error: unknown): void {
    this.#problem.hidden = false;
    this.#problem.textContent = error instanceof Error ? error.message : String(error);
    if (error instanceof GatehouseError) this.#problem.dataset.code = error.code;
  }
}

/** What passes by itself: the administrator, or the connection. */
const waits: ReadonlySet<string> = new Set([
  'device_pending',
  'relay_unreachable',
  'service_offline',
  'timeout',
]);

export function prints({ agent, identity, proved }: DeviceKey): HTMLElement {
  const note = proved ? 'Proved by the registration code.' : 'As the relay handed it over: compare it.';
  return h(
    'div',
    { class: 'prints' },
    fingerprintCard('The agent', note, agent.fingerprint),
    fingerprintCard('This device', 'Made in this browser.', identity.fingerprint),
  );
}

export function factList(facts: readonly (readonly [string, string])[]): HTMLElement {
  return h(
    'dl',
    { class: 'facts' },
    ...facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]),
  );
}

function nameOfBrowser(): string {
  const browser = /(Firefox|Edg|Chrome|Safari)\//.exec(navigator.userAgent)?.[1] ?? 'Browser';
  const system = /(Windows|Mac OS|Android|Linux|iPhone|iPad)/.exec(navigator.userAgent)?.[1] ?? '';
  return `${browser.replace('Edg', 'Edge')}${system === '' ? '' : ` on ${system}`}`;
}
