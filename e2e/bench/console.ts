// `npm run bench:console`: the console's page in Debian's Chromium, over a log of a million rows. `--rows N` for another
// number, `--tail-seconds N` and `--heap-seconds N` (3600 for a whole hour) for how long it is looked at, `--json` for
// one line of JSON. Figures, not a test: the targets stand beside.
import { parseArgs } from 'node:util';
import { ConsoleBrowser } from '../support/browser.ts';
import { bundleFigures, heapFigures, readyFigures, scrollFigures, tailFigures } from './console-measure.ts';
import type { Figure } from './figures.ts';
import { printFigures } from './figures.ts';
import { TailService } from './tail-service.ts';

const targets: Readonly<Record<string, string>> = {
  'bundle, all pages, gzip': '<= 300',
  'console ready: until the password can be typed': '<= 1500',
  'console ready: signed in, until rows of the log stand': '<= 1500',
  'live tail: rows written': '>= 10000',
  'live tail: longest task of the page': '<= 50',
  'scrolling by the wheel: longest task of the page': '<= 50',
  'scrolling by the bar: longest task of the page': '<= 50',
  'tail: growth of the page, scaled to an hour': 'about 0',
  'tail: growth of the service, scaled to an hour': 'about 0',
};

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    'tail-seconds': { type: 'string', default: '20' },
    'heap-seconds': { type: 'string', default: '120' },
    json: { type: 'boolean', default: false },
  },
});

const rows = Number(values.rows);
const plan = {
  opened: 5,
  tailSeconds: Number(values['tail-seconds']),
  heapSeconds: Number(values['heap-seconds']),
};

function tell(line: string): void {
  if (!values.json) process.stderr.write(`${line}\n`);
}

async function measure(browser: ConsoleBrowser, service: TailService): Promise<Figure[]> {
  const figures = bundleFigures();
  tell('how soon it is ready');
  figures.push(...(await readyFigures(browser, service, plan)));
  tell('scrolling');
  figures.push(...(await scrollFigures(browser, service)));
  tell('the live tail');
  figures.push(...(await tailFigures(browser, service, plan)));
  tell('heaps along the tail');
  figures.push(...(await heapFigures(browser, service, plan)));
  return figures;
}

tell(`making ${rows} rows`);
const service = await TailService.start(rows);
const browser = await ConsoleBrowser.open();
try {
  const facts = { rows, tailSeconds: plan.tailSeconds, heapSeconds: plan.heapSeconds };
  printFigures(await measure(browser, service), targets, facts, values.json);
} finally {
  await browser.close();
  await service.close();
}
