// Payload capture: off unless an administrator switched it on, for named RPCs, up to a time. Hands out a tap for
// each request that begins while it is on, and stores what the tap held once the request is over.
// Must never store a byte that was not redacted first, nor of a request that began before it was on, nor anything
// once it is off or its rules have changed.
import type { CallArgs } from '../../../shared/contracts/console/calls.ts';
import type { CapturedPayload, CaptureView } from '../../../shared/contracts/console/models.ts';
import { asGatehouseError } from '../../../shared/contracts/errors.ts';
import type { GatehouseError } from '../../../shared/contracts/errors.ts';
import { atTime } from '../secrets/at-time.ts';
import { readCaptureFile, writeCaptureFile } from './capture-file.ts';
import { payloadOf, withheldPayload } from './payload.ts';
import { HeldBytes, PayloadTap } from './payload-tap.ts';
import type { HeldPayload } from './payload-tap.ts';
import { makeRedaction } from './redaction.ts';
import type { Redaction } from './redaction.ts';

export interface CaptureOptions {
  /** The data folder: `capture.json` is kept in it. */
  readonly folder: string;
  /** Puts one redacted payload on record with its request. */
  readonly store: (requestId: number, payload: CapturedPayload) => void;
  /** What could not be read at the start, or redacted later; never what was captured. */
  readonly onProblem: (problem: GatehouseError) => void;
}

/** Bytes of payloads that are held in memory at one time, of all requests together; what is over it is cut. */
export const maxHeldBytes = 64 * 1024 * 1024;
/** So many payloads may take the patterns too long before capture switches itself off. */
const maxOverruns = 10;

const off: CaptureView = { until: null, rpcNames: [], maxBytes: 65_536, redact: [] };

export class Capture {
  readonly #options: CaptureOptions;
  readonly #held = new HeldBytes(maxHeldBytes);
  readonly #listeners = new Set<(view: CaptureView) => void>();
  #view = off;
  /** A new one with each change: a tap of an earlier one stores nothing. */
  #redaction: Redaction = makeRedaction([]);
  #rpcNames: ReadonlySet<string> = new Set();
  /** Since the last change. */
  #overruns = 0;
  #cancelEnd: () => void = () => undefined;
  #setting: Promise<unknown> = Promise.resolve();

  private constructor(options: CaptureOptions) {
    this.#options = options;
  }

  /** Goes on with what `capture.json` says; one that cannot be read means off, and is told. */
  static async open(options: CaptureOptions): Promise<Capture> {
    const capture = new Capture(options);
    try {
      const stored = await readCaptureFile(options.folder);
      if (stored !== null) capture.#use(stored, makeRedaction(stored.redact));
    } catch (error) {
      options.onProblem(asGatehouseError(error));
    }
    return capture;
  }

  /** What is on; where nothing is, `until` is null and the rest is what was chosen last. */
  view(): CaptureView {
    return this.#view;
  }

  /**
   * On for `minutes`, once that is on disk; 0 switches it off, at once and whatever becomes of the file.
   * @throws GatehouseError `capture_rule_invalid` (nothing has changed), `storage_failed`
   */
  async set(change: CallArgs<'capture.set'>): Promise<CaptureView> {
    const redaction = makeRedaction(change.redact);
    const turn = this.#setting.then(() => this.#store(change, redaction));
    this.#setting = turn.catch(() => undefined);
    return turn;
  }

  /** Told of each change, also of the end at `until`. Returns the unsubscribe. */
  onChange(tell: (view: CaptureView) => void): () => void {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  }

  /** For a request of this RPC that begins now; null where it is not to be captured. */
  tap(rpcName: string): PayloadTap | null {
    const { until, maxBytes } = this.#view;
    if (until === null || !this.#rpcNames.has(rpcName) || Date.now() >= until) return null;
    const redaction = this.#redaction;
    return new PayloadTap(maxBytes, this.#held, (requestId, parts) => {
      if (redaction !== this.#redaction || Date.now() >= until) return;
      for (const part of parts) this.#options.store(requestId, this.#payloadOf(part, redaction));
    });
  }

  /** Stores nothing more; resolves when what was set is on disk, or has failed to get there. */
  async close(): Promise<void> {
    this.#cancelEnd();
    this.#listeners.clear();
    this.#rpcNames = new Set();
    this.#redaction = makeRedaction([]);
    await this.#setting;
  }

  async #store(change: CallArgs<'capture.set'>, redaction: Redaction): Promise<CaptureView> {
    const { minutes, rpcNames, maxBytes, redact } = change;
    const until = minutes === 0 ? null : Date.now() + minutes * 60_000;
    const view = { until, rpcNames: [...new Set(rpcNames)], maxBytes, redact };
    // Off is off at once, whatever the disk says.
    if (until === null) this.#use(view, redaction);
    await writeCaptureFile(this.#options.folder, view);
    if (until !== null) this.#use(view, redaction);
    return this.#view;
  }

  /** What could not be looked at in time is not stored, and capture ends where that goes on: it costs too much. */
  #payloadOf(held: HeldPayload, redaction: Redaction): CapturedPayload {
    try {
      return payloadOf(held, redaction);
    } catch (error) {
      this.#overruns += 1;
      if (this.#overruns === maxOverruns) this.#end();
      this.#options.onProblem(asGatehouseError(error));
      return withheldPayload(held);
    }
  }

  #end(): void {
    this.#use({ ...this.#view, until: null }, this.#redaction);
    // In its turn, and with what holds then: a change may be on its way to the file.
    this.#setting = this.#setting
      .then(() => writeCaptureFile(this.#options.folder, this.#view))
      .catch((error: unknown) => this.#options.onProblem(asGatehouseError(error)));
  }

  #use(view: CaptureView, redaction: Redaction): void {
    this.#cancelEnd();
    const isOn = view.until !== null && view.until > Date.now();
    this.#view = isOn ? view : { ...view, until: null };
    this.#redaction = redaction;
    this.#overruns = 0;
    this.#rpcNames = new Set(isOn ? view.rpcNames : []);
    if (isOn) this.#cancelEnd = atTime(view.until, () => this.#end());
    for (const tell of this.#listeners) tell(this.#view);
  }
}
