// How used up the session is: its age and its requests, each to its limit, and how many sessions there have been. Drawn
// anew every second and with every request.
import type { Session } from '../index.ts';
import { clockText, h } from './dom.ts';

export class SessionStrip {
  readonly element = h('section', { class: 'strip', 'aria-label': 'Session' });
  readonly #session: Session;
  readonly #age = h('meter', { 'aria-label': 'Age of the session' });
  readonly #ageText = h('span', { class: 'mono' });
  readonly #requests = h('meter', { 'aria-label': 'Requests of the session' });
  readonly #requestsText = h('span', { class: 'mono', 'data-session': 'requests' });
  readonly #id = h('span', { class: 'mono soft', 'data-session': 'id' });
  readonly #count = h('span', { class: 'soft', 'data-session': 'count' });
  readonly #seen = new Set<string>();
  readonly #stop: () => void;

  constructor(session: Session) {
    this.#session = session;
    this.element.append(
      h('div', { class: 'gauge' }, h('span', {}, 'Age'), this.#age, this.#ageText),
      h('div', { class: 'gauge' }, h('span', {}, 'Requests'), this.#requests, this.#requestsText),
      h('div', { class: 'gauge' }, h('span', {}, 'Session'), this.#id, this.#count),
    );
    const timer = setInterval(() => this.#draw(), 1000);
    const unsubscribe = session.onChange(() => this.#draw());
    this.#stop = () => {
      clearInterval(timer);
      unsubscribe();
    };
    this.#draw();
  }

  close(): void {
    this.#stop();
  }

  #draw(): void {
    const { sessionId, facts } = this.#session;
    const lifetimeMs = facts.limits.lifetimeSeconds * 1000;
    this.#seen.add(sessionId);
    this.#age.max = lifetimeMs;
    this.#age.value = Math.min(facts.ageMs, lifetimeMs);
    this.#ageText.textContent = `${clockText(facts.ageMs)} of ${clockText(lifetimeMs)}`;
    this.#requests.max = facts.limits.requests;
    this.#requests.value = facts.requests;
    this.#requestsText.textContent = `${facts.requests} of ${facts.limits.requests}`;
    this.#id.textContent = `${sessionId.slice(0, 10)}…`;
    this.#count.textContent =
      this.#seen.size === 1
        ? 'the first since you signed in'
        : `number ${this.#seen.size} since you signed in`;
  }
}
