// The connectivity page: what is reachable, as measured, and what the person can do about it. Must never call
// something reachable that has not been measured, nor keep a password once a call has ended.
import type {
  CertificateView,
  Connectivity,
  RelayChoice,
  SessionsView,
} from '../../shared/contracts/console/models.ts';
import { layersOf } from './connectivity-layers.ts';
import type { Layers } from './connectivity-layers.ts';
import { Task } from './task.svelte.ts';
import type { Service } from './task.svelte.ts';

/** A measurement older than this no longer says that the service is reachable now, in milliseconds. */
export const measurementFreshMs = 60_000;
/** Warn of a certificate's end from this long before it, in milliseconds. */
export const expiryWarningMs = 30 * 24 * 60 * 60 * 1000;

/** `online` only with a recent measurement; `unmeasured`: the link says online and nothing has proved it lately. */
export type Reach = 'online' | 'unmeasured' | 'connecting' | 'offline' | 'stopped';

export type Validity = 'not_yet' | 'valid' | 'soon' | 'expired';

export function reachOf({ link, measured }: Connectivity, now: number): Reach {
  if (link.state !== 'online') return link.state;
  const fresh = measured !== null && measured.at >= link.since && now - measured.at <= measurementFreshMs;
  return fresh ? 'online' : 'unmeasured';
}

export function validityOf(certificate: CertificateView, now: number): Validity {
  if (now < certificate.notBefore) return 'not_yet';
  if (now >= certificate.notAfter) return 'expired';
  return certificate.notAfter - now <= expiryWarningMs ? 'soon' : 'valid';
}

export class ConnectivityState {
  readonly retrying = new Task();
  readonly measuring = new Task();
  readonly #service: Service;
  readonly layers: Layers | null = $derived.by(() => this.#layers());
  /** Live sessions that were made with an earlier certificate. */
  readonly sessionsOnOlder = $derived.by(() =>
    (this.#service.topic('sessions')?.sessions ?? []).filter((session) => isOnOlder(session)),
  );

  constructor(service: Service) {
    this.#service = service;
  }

  get view(): Connectivity | undefined {
    return this.#service.topic('connectivity');
  }

  get certificate(): CertificateView | undefined {
    return this.#service.topic('certificate');
  }

  async retryNow(): Promise<void> {
    await this.retrying.run(() => this.#service.call('connectivity.retryNow', {}));
  }

  /** Answers whether a round trip succeeded; undefined where the call itself failed. */
  async measure(): Promise<boolean | undefined> {
    const answer = await this.measuring.run(() => this.#service.call('connectivity.measure', {}));
    return answer === undefined ? undefined : answer.measured !== null;
  }

  #layers(): Layers | null {
    const connectivity = this.#service.topic('connectivity');
    const sessions = this.#service.topic('sessions');
    if (connectivity === undefined || sessions === undefined) return null;
    return layersOf(connectivity, sessions, this.#service.topic('deviceSessions'));
  }
}

function isOnOlder(session: SessionsView['sessions'][number]): boolean {
  return session.fingerprint !== null && !session.onCurrentCertificate;
}

/** The form that changes the relay. */
export class RelayForm {
  kind = $state<RelayChoice['kind']>('local');
  url = $state('');
  enrolmentToken = $state('');
  ca = $state('');
  password = $state('');
  readonly task = new Task();
  readonly #service: Service;
  /** What stops the form from being sent; null where nothing does. */
  readonly gap: 'url' | 'url_form' | 'password' | null = $derived.by(() => this.#gap());

  constructor(service: Service, present: Connectivity['relay']) {
    this.#service = service;
    this.kind = present.kind;
    this.url = present.kind === 'url' ? present.url : '';
  }

  /** Answers whether the relay was changed. */
  async submit(): Promise<boolean> {
    if (this.gap !== null) return false;
    const args = { password: this.password, relay: this.#choice() };
    const done = await this.task.run(() => this.#service.call('connectivity.setRelay', args));
    this.password = '';
    if (done === undefined) return false;
    this.enrolmentToken = '';
    return true;
  }

  #choice(): RelayChoice {
    if (this.kind === 'local') return { kind: 'local' };
    const enrolmentToken = this.enrolmentToken.trim();
    const ca = this.ca.trim();
    return {
      kind: 'url',
      url: this.url.trim(),
      ...(enrolmentToken === '' ? {} : { enrolmentToken }),
      ...(ca === '' ? {} : { ca }),
    };
  }

  #gap(): 'url' | 'url_form' | 'password' | null {
    if (this.kind === 'url') {
      const url = this.url.trim();
      if (url === '') return 'url';
      if (!/^(wss?|https?):\/\/[^\s/]+/i.test(url)) return 'url_form';
    }
    return this.password === '' ? 'password' : null;
  }
}
