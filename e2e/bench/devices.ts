// `npm run bench:devices`: device sessions beside plain HTTPS through the same relay, in one run, on loopback: with a page
// in Chromium, which the goals are about, and then with a program in Node.
// `--json` prints {"rows":[…]}; `--short` is the quick version that only proves that it runs.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ScriptOrigin } from '../support/script-origin.ts';
import { BrowserClient, pageScript } from './device-browser.ts';
import { measureDevices, type DevicePlan } from './device-measures.ts';
import { memoryOfSessions } from './device-memory.ts';
import { enterFromNode } from './device-node.ts';
import { printed } from './device-report.ts';
import { setUpDevices, type DeviceSetting } from './device-setting.ts';
import { Programs } from './programs.ts';

const full: DevicePlan = {
  rounds: 6,
  rateMs: 1500,
  warmUpMs: 8000,
  mebibytes: 128,
  starts: 30,
  sessions: 10_000,
};
const short: DevicePlan = { rounds: 1, rateMs: 300, warmUpMs: 150, mebibytes: 8, starts: 3, sessions: 200 };

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, short: { type: 'boolean', default: false } },
});
const plan = values.short ? short : full;
const tell = (line: string): void => void process.stderr.write(`${line}\n`);

async function withChromium({ tokens, entrance, publish }: DeviceSetting, origin: string) {
  const client = await BrowserClient.open(origin, tokens, entrance());
  try {
    const goals = { 'requests/s at 64': '≥ 0.8', 'download, uncached': '≥ 0.7', 'download, cached': '≥ 0.9' };
    const besideStart = 'one plain request';
    return await measureDevices({ name: 'chromium', client, besideStart, goals, publish }, plan, tell);
  } finally {
    await client.close();
  }
}

async function withNode({ tokens, entrance, publish }: DeviceSetting) {
  const client = await enterFromNode(tokens, entrance());
  const besideStart = 'a TLS 1.3 handshake';
  const goals = { [`session start, beside ${besideStart}`]: '≤ 3 × (≥ 0.33)' };
  return measureDevices({ name: 'node', client, besideStart, goals, publish }, plan, tell);
}

const programs = new Programs(mkdtempSync(join(tmpdir(), 'gatehouse-bench-')));
const page = await ScriptOrigin.start(pageScript);
try {
  const setting = await setUpDevices(programs, page.origin);
  // Memory first: what a long run leaves free to this process would take the sessions in unseen.
  const memory = await memoryOfSessions(plan.sessions);
  const rows = [...(await withChromium(setting, page.origin)), ...(await withNode(setting)), ...memory];
  process.stdout.write(values.json ? `${JSON.stringify({ rows })}\n` : printed(rows));
} finally {
  await page.close();
  await programs.stop();
  rmSync(programs.folder, { recursive: true, force: true });
}
