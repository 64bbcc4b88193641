// Payload capture on the settings page: which RPCs, how much of each, for how long, and what is taken out first.
// Must never switch capture on without a time at which it ends, nor for RPCs that nobody named.
import { maxLength } from '../../shared/contracts/console/calls.ts';
import type { CaptureView, RedactionRule } from '../../shared/contracts/console/models.ts';
import { Task } from './task.svelte.ts';
import type { Service } from './task.svelte.ts';

/** The bounds of `capture.set`. */
export const captureBounds = { maxMinutes: 240, maxRpcs: 64, maxKiB: 1024, maxRules: 64 } as const;
const defaultMinutes = 15;
const bytesPerKiB = 1024;
const maxRpcName = 64;
const maxPattern = 256;
const msPerSecond = 1000;

export class CaptureForm {
  minutes = $state(String(defaultMinutes));
  rule = $state('');
  ruleKind = $state<RedactionRule['kind']>('member');
  rpc = $state('');
  /** RPC names that the request log knows, to choose from. */
  known = $state.raw<readonly string[]>([]);
  readonly task = new Task();
  #rpcNames = $state.raw<readonly string[] | null>(null);
  #kib = $state<string | null>(null);
  #redact = $state.raw<readonly RedactionRule[] | null>(null);
  readonly #service: Service;

  constructor(service: Service) {
    this.#service = service;
  }

  get view(): CaptureView | undefined {
    return this.#service.topic('capture');
  }

  /** What is chosen here, or else what was chosen last. */
  get rpcNames(): readonly string[] {
    return this.#rpcNames ?? this.view?.rpcNames ?? [];
  }

  get redact(): readonly RedactionRule[] {
    return this.#redact ?? this.view?.redact ?? [];
  }

  get kib(): string {
    return this.#kib ?? String(Math.max(1, Math.round((this.view?.maxBytes ?? 0) / bytesPerKiB)));
  }

  set kib(text: string) {
    this.#kib = text;
  }

  /** What stops it from being switched on; null where nothing does. */
  get gap(): 'rpcs' | 'minutes' | 'size' | null {
    if (this.rpcNames.length === 0) return 'rpcs';
    if (!isWhole(this.minutes, captureBounds.maxMinutes)) return 'minutes';
    return isWhole(this.kib, captureBounds.maxKiB) ? null : 'size';
  }

  /** Whole seconds that capture stays on; null while it is off. */
  secondsLeft(now: number): number | null {
    const until = this.view?.until ?? null;
    return until === null || until <= now ? null : Math.ceil((until - now) / msPerSecond);
  }

  toggleRpc(name: string): void {
    const chosen = this.rpcNames;
    this.#rpcNames = chosen.includes(name) ? chosen.filter((other) => other !== name) : [...chosen, name];
  }

  /** Adds the RPC that was typed. */
  addRpc(): void {
    const name = this.rpc.trim();
    if (name === '' || name.length > maxRpcName || this.rpcNames.length >= captureBounds.maxRpcs) return;
    if (!this.rpcNames.includes(name)) this.#rpcNames = [...this.rpcNames, name];
    this.rpc = '';
  }

  /** Adds the rule that was typed. */
  addRule(): void {
    const text = this.rule.trim();
    const limit = this.ruleKind === 'member' ? maxLength.name : maxPattern;
    if (text === '' || text.length > limit || this.redact.length >= captureBounds.maxRules) return;
    const rule: RedactionRule =
      this.ruleKind === 'member' ? { kind: 'member', name: text } : { kind: 'pattern', pattern: text };
    if (!this.redact.some((other) => ruleText(other) === text && other.kind === rule.kind))
      this.#redact = [...this.redact, rule];
    this.rule = '';
  }

  removeRule(rule: RedactionRule): void {
    this.#redact = this.redact.filter((other) => other !== rule);
  }

  /** Asks the request log which RPCs it has seen; without an answer the ones typed have to do. */
  async loadKnown(): Promise<void> {
    const args = { field: 'rpc', prefix: '', limit: 50 };
    try {
      this.known = (await this.#service.call('requests.complete', args)).values;
    } catch {
      this.known = [];
    }
  }

  async start(): Promise<void> {
    if (this.gap === null) await this.#send(Number(this.minutes));
  }

  async stop(): Promise<void> {
    await this.#send(0);
  }

  async #send(minutes: number): Promise<void> {
    const view = this.view;
    if (view === undefined) return;
    const stopping = minutes === 0;
    const args = {
      minutes,
      rpcNames: [...(stopping ? view.rpcNames : this.rpcNames)],
      maxBytes: stopping ? view.maxBytes : Number(this.kib) * bytesPerKiB,
      redact: [...(stopping ? view.redact : this.redact)],
    };
    const done = await this.task.run(() => this.#service.call('capture.set', args));
    if (done === undefined || stopping) return;
    this.#rpcNames = null;
    this.#kib = null;
    this.#redact = null;
  }
}

export function ruleText(rule: RedactionRule): string {
  return rule.kind === 'member' ? rule.name : rule.pattern;
}

function isWhole(text: string, max: number): boolean {
  return /^\d{1,7}$/.test(text.trim()) && Number(text) >= 1 && Number(text) <= max;
}
