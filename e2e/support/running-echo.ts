// An `echo` that stays open: proof that a session lives, and the witness of how and when it ended.
import { PassThrough } from 'node:stream';
import type { Readable } from 'node:stream';
import type { GatehouseError } from '../../shared/contracts/errors.ts';
import type { ClientRequest, Service } from '../../shared/client/index.ts';
import { until, within } from './waiting.ts';

export class RunningEcho {
  readonly request: ClientRequest;
  /** How it ended: null where its answer came whole. */
  readonly ended: Promise<GatehouseError | null>;
  readonly #source: PassThrough;
  #received = '';

  private constructor(source: PassThrough, body: Readable, request: ClientRequest) {
    this.#source = source;
    this.request = request;
    body.on('data', (chunk: Buffer) => (this.#received += chunk.toString('utf8')));
    this.ended = new Promise((resolve) => {
      body.once('end', () => resolve(null));
      body.once('error', (error: GatehouseError) => resolve(error));
    });
  }

  /** Resolves once the first octets are back. */
  static async start(service: Service): Promise<RunningEcho> {
    const source = new PassThrough();
    source.write('first');
    const { body, request } = await service.stream('echo', { body: source });
    const echo = new RunningEcho(source, body, request);
    await echo.hears('first');
    return echo;
  }

  get received(): string {
    return this.#received;
  }

  /** Sends `text`, and resolves once it is back. */
  async say(text: string): Promise<void> {
    this.#source.write(text);
    await this.hears(text);
  }

  async hears(text: string): Promise<void> {
    await until(`the echo of "${text}" is back`, () => this.#received.includes(text));
  }

  /** Ends the body that is sent. */
  finish(text = ''): void {
    this.#source.end(text);
  }

  /** The code that it ended with, or `null`; @throws Error where it goes on for `withinMs` */
  async end(withinMs: number): Promise<string | null> {
    return (await within(withinMs, 'the end of a running echo', this.ended))?.code ?? null;
  }
}
