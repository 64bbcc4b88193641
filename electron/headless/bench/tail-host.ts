// For the bench of the console's page: a service behind its console whose request log is written to at a rate that no
// client on this machine could bring about. Everything behind the log is as in the service: threads, index, queries,
// events. It is asked over the channel of its parent. Must never be part of what ships.
// Usage: fork(tail-host.ts, [DATA_FOLDER, PASSWORD_FILE]); its relay is one that is never there.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { benchOutcome, benchRow, everyMs } from '../../core/inspector/bench/generate.ts';
import type { RequestLog } from '../../core/inspector/request-log.ts';
import { Installation } from '../../core/installation.ts';
import type { ConsoleHost } from '../../core/ports.ts';
import { startHeadlessConsole } from '../headless-console.ts';

/** From the bench: rows a second from now on, how much memory there is, or to end. */
export type ToTailHost =
  | { readonly kind: 'rate'; readonly rowsPerSecond: number }
  | { readonly kind: 'measure' }
  | { readonly kind: 'stop' };

export type FromTailHost =
  | { readonly kind: 'ready'; readonly url: string }
  | {
      readonly kind: 'measured';
      readonly rows: number;
      readonly heapBytes: number;
      readonly rssBytes: number;
    };

/** Rows are written so often, in milliseconds. */
const beatMs = 10;

/** Nobody listens there. */
const noRelay = { kind: 'url', url: 'ws://127.0.0.1:9' } as const;

const host: ConsoleHost = {
  kind: 'browser',
  version: 'bench',
  keyVault: {
    availability: () => ({ available: false, reason: 'This is a bench.' }),
    remember: () => Promise.resolve(),
    recall: () => Promise.resolve(null),
    forget: () => Promise.resolve(),
    holds: () => false,
    onChange: () => () => {},
  },
  startLocalRelay: () => Promise.reject(new Error('The bench has no relay.')),
  notify: () => {},
  callCommand: 'gatehouse call',
  trial: false,
};

class Feed {
  readonly #log: RequestLog;
  rows = 0;
  rowsPerSecond = 0;

  constructor(log: RequestLog) {
    this.#log = log;
  }

  /** Writes at the rate that is asked for, measured from when it was asked, until the process ends. */
  async run(): Promise<never> {
    let owed = 0;
    for (let last = performance.now(); ;) {
      await sleep(beatMs);
      const now = performance.now();
      // What a busy machine did not let it write in a second is not made up for.
      owed = Math.min(owed + ((now - last) * this.rowsPerSecond) / 1000, this.rowsPerSecond);
      last = now;
      for (; owed >= 1; owed -= 1) this.#one();
    }
  }

  #one(): void {
    const id = this.#log.nextId();
    this.rows += 1;
    const begun = this.#log.begin(benchRow(id, Date.now() - id * everyMs));
    begun.then(
      () => this.#log.finish(id, benchOutcome(id)),
      () => (this.rows -= 1),
    );
  }
}

function measured(feed: Feed): FromTailHost {
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return { kind: 'measured', rows: feed.rows, heapBytes: heapUsed, rssBytes: rss };
}

async function serve(dataFolder: string, passwordFile: string): Promise<void> {
  const logger = pino({ level: 'silent' });
  const installation = await Installation.open({ dataFolder, host, logger, relay: noRelay });
  await installation.start(await installation.openSecrets(readFileSync(passwordFile, 'utf8').trim()));
  const page = resolve(import.meta.dirname, '../../../out/renderer');
  const address = { host: '127.0.0.1', port: 0 };
  const headless = await startHeadlessConsole({ installation, address, nextFreePort: false, page, logger });
  const feed = new Feed(installation.service.data.log);
  void feed.run();
  const tell = (message: FromTailHost) => process.send?.(message);
  process.on('message', (message: ToTailHost) => {
    if (message.kind === 'rate') feed.rowsPerSecond = message.rowsPerSecond;
    else if (message.kind === 'measure') tell(measured(feed));
    else void headless.close().then(() => installation.stop().finally(() => process.exit()));
  });
  process.once('disconnect', () => process.exit());
  tell({ kind: 'ready', url: headless.url });
}

const [dataFolder = '.', passwordFile = ''] = process.argv.slice(2);
await serve(dataFolder, passwordFile);
