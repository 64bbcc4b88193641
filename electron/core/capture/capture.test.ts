// Payload capture as a whole: when it is on, for what, how it ends, what survives a restart; and that it neither
// changes a stream nor lets a secret reach the database.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CallArgs } from '../../../shared/contracts/console/calls.ts';
import type { CapturedPayload } from '../../../shared/contracts/console/models.ts';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { answerOf, request, SampleEndpoint, startRequest, until } from '../endpoint/endpoint-samples.ts';
import { openRequestLog } from '../inspector/request-log.ts';
import { encodedSamples, sampleSecret, sampleToken, secretSamples } from './capture-samples.ts';
import { Capture } from './capture.ts';

const octets = { 'content-type': 'application/octet-stream' };
const on: CallArgs<'capture.set'> = { minutes: 5, rpcNames: ['echo'], maxBytes: 1000, redact: [] };
const opened: { close(): unknown }[] = [];
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-capture-'));
});

afterEach(async () => {
  vi.useRealTimers();
  for (const each of opened.splice(0).reverse()) await each.close();
  rmSync(folder, { recursive: true, force: true });
});

async function openCapture() {
  const stored: (CapturedPayload & { id: number })[] = [];
  const onProblem = vi.fn();
  const capture = await Capture.open({
    folder,
    store: (id, payload) => stored.push({ id, ...payload }),
    onProblem,
  });
  opened.push(capture);
  return { capture, stored, onProblem };
}

async function open() {
  const sample = await openCapture();
  const endpoint = new SampleEndpoint({ capture: sample.capture });
  opened.push(endpoint);
  const { session } = await endpoint.openH2();
  return { ...sample, endpoint, session };
}

describe('capture', () => {
  it('is off until it is switched on', async () => {
    const { capture, stored, session } = await open();
    expect(capture.view().until).toBeNull();
    await request(session, '/rpc/echo', '{"a":1}');
    expect(stored).toEqual([]);
  });

  it('stores request and answer of an RPC that is on, and of no other', async () => {
    const { capture, stored, session, endpoint } = await open();
    await capture.set(on);
    await request(session, '/rpc/ping', '{"echo":"x"}');
    await request(session, '/rpc/echo', '{"a":1}');
    await until(() => endpoint.log.finished.length === 2);
    const payload = { id: 2, contentType: 'application/json', text: '{"a":1}', base64: null, totalBytes: 7 };
    expect(stored).toMatchObject([
      { ...payload, direction: 'request', truncated: false },
      { ...payload, direction: 'answer', redactions: 0 },
    ]);
  });

  it('stores what an RPC failed with', async () => {
    const { capture, stored, session } = await open();
    await capture.set(on);
    await request(session, '/rpc/echo', 'no JSON');
    expect(stored.map(({ text }) => text)).toEqual(['no JSON', expect.stringContaining('rpc_bad_request')]);
  });

  it('cuts at its limit and says how much there was', async () => {
    const { capture, stored, session } = await open();
    await capture.set(on);
    await request(session, '/rpc/echo', 'ä'.repeat(2_000), octets);
    await until(() => stored.length === 2);
    for (const payload of stored) {
      expect(payload).toMatchObject({ text: 'ä'.repeat(500), totalBytes: 4_000, truncated: true });
    }
  });

  it('keeps octets as base64', async () => {
    const { capture, stored, session } = await open();
    await capture.set(on);
    const bytes = Buffer.from([0xff, 0xfe, 0, 1, 2]);
    await request(session, '/rpc/echo', bytes, octets);
    await until(() => stored.length === 2);
    expect(stored[1]).toMatchObject({ text: null, base64: bytes.toString('base64') });
  });

  it('puts the arguments of a streaming call before its body', async () => {
    const { capture, stored, session } = await open();
    await capture.set(on);
    const args = Buffer.from('{"a":1,"token":"x"}').toString('base64url');
    await request(session, '/rpc/echo', 'body', { ...octets, 'gatehouse-args': args });
    await until(() => stored.length === 2);
    expect(stored[0]?.text).toBe('{"a":1,"token":"[redacted]"}\nbody');
  });

  it.each(['before it was on', 'and ended after it was off', 'and ended under other rules'])(
    'stores nothing of a request that began %s',
    async (when) => {
      const { capture, stored, session, endpoint } = await open();
      if (when !== 'before it was on') await capture.set(on);
      const stream = startRequest(session, '/rpc/echo', octets);
      stream.write('some');
      await new Promise((resolve) => stream.once('data', resolve));
      await capture.set({ ...on, minutes: when === 'and ended after it was off' ? 0 : 5 });
      stream.end('more');
      await answerOf(stream);
      await until(() => endpoint.log.finished.length === 1);
      expect(stored).toEqual([]);
    },
  );

  it('stores nothing of a request that could not be put on record', async () => {
    const { capture, stored, session, endpoint } = await open();
    await capture.set(on);
    endpoint.log.failure = new GatehouseError('log_unavailable', 'The disk is full.');
    await request(session, '/rpc/echo', '{}');
    expect(stored).toEqual([]);
  });

  it('changes no byte of a stream, nor its pace', async () => {
    const { capture, stored, session, endpoint } = await open();
    await capture.set({ ...on, maxBytes: 1_048_576 });
    const bytes = Buffer.from(Array.from({ length: 6_000_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
    const stream = startRequest(session, '/rpc/echo', octets);
    stream.pause();
    stream.end(bytes);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const [live] = endpoint.sessions.live();
    expect(live?.bytesRead).toBeLessThan(4_000_000);
    const whole = answerOf(stream);
    stream.resume();
    const answer = await whole;
    expect(answer.body.equals(bytes)).toBe(true);
    await until(() => stored.length === 2);
    expect(stored[1]).toMatchObject({ totalBytes: 6_000_000, truncated: true });
  });

  it('withholds what its patterns had no time to look at, and ends when that goes on', async () => {
    const { capture, stored, onProblem } = await openCapture();
    await capture.set({
      ...on,
      maxBytes: 1_048_576,
      redact: [{ kind: 'pattern', pattern: '[a-z.]+@[a-z-]+' }],
    });
    const slow = Buffer.alloc(1_048_576, 'a');
    for (let id = 1; capture.view().until !== null && id < 20; id += 1) {
      const tap = capture.tap('echo');
      tap?.begin('request', 'application/json')(slow);
      tap?.end(id);
    }
    expect(capture.view().until).toBeNull();
    expect(stored.length).toBeLessThanOrEqual(10);
    expect(new Set(stored.map(({ text }) => text))).toEqual(new Set(['[redacted]']));
    expect(onProblem).toHaveBeenCalledWith(expect.objectContaining({ code: 'capture_rule_invalid' }));
  });
});

describe('the time of capture', () => {
  it('ends by itself, is told, and stays ended after a restart', async () => {
    vi.useFakeTimers({ now: 1_790_000_000_000 });
    const { capture } = await openCapture();
    const tell = vi.fn();
    capture.onChange(tell);
    await capture.set(on);
    expect(capture.view().until).toBe(1_790_000_000_000 + 5 * 60_000);
    await vi.advanceTimersByTimeAsync(5 * 60_000 - 1);
    expect(capture.tap('echo')).not.toBeNull();
    await vi.advanceTimersByTimeAsync(1_001);
    expect(capture.tap('echo')).toBeNull();
    expect(tell.mock.calls).toMatchObject([[{ until: 1_790_000_300_000 }], [{ until: null }]]);
    vi.useRealTimers();
    await until(() => readFileSync(join(folder, 'capture.json'), 'utf8').includes('"until": null'));
  });

  it('goes on over a restart, with its rules', async () => {
    const first = await openCapture();
    await first.capture.set({ ...on, redact: [{ kind: 'member', name: 'pin' }] });
    const { capture } = await openCapture();
    expect(capture.view()).toEqual(first.capture.view());
    expect(capture.tap('echo')).not.toBeNull();
  });

  it('may be longer than a timer of Node can wait', async () => {
    vi.useFakeTimers({ now: 1_790_000_000_000 });
    const until = Date.now() + 40 * 24 * 3_600_000;
    writeFileSync(
      join(folder, 'capture.json'),
      JSON.stringify({ until, rpcNames: ['echo'], maxBytes: 1, redact: [] }),
    );
    const { capture } = await openCapture();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(capture.view().until).toBe(until);
  });

  it.each([
    ['is over', { until: 5, rpcNames: ['echo'], maxBytes: 1, redact: [] }, false],
    ['is no JSON', '{"until":', true],
    ['is of another form', { until: 9e15, rpcNames: 'echo', maxBytes: 1, redact: [] }, true],
    ['has more than it may', { until: 9e15, rpcNames: ['echo'], maxBytes: 1, redact: [], x: 1 }, true],
    ['has a size over the limit', { until: 9e15, rpcNames: ['echo'], maxBytes: 1e9, redact: [] }, true],
    [
      'has a bad rule',
      { until: 9e15, rpcNames: ['echo'], maxBytes: 1, redact: [{ kind: 'pattern', pattern: '(a+)+' }] },
      true,
    ],
  ])('is off where the file %s', async (_why, content, isProblem) => {
    writeFileSync(
      join(folder, 'capture.json'),
      typeof content === 'string' ? content : JSON.stringify(content),
    );
    const { capture, onProblem } = await openCapture();
    expect(capture.view().until).toBeNull();
    expect(capture.tap('echo')).toBeNull();
    expect(onProblem).toHaveBeenCalledTimes(isProblem ? 1 : 0);
  });

  it('is kept in a file that nobody else may read', async () => {
    const { capture } = await openCapture();
    await capture.set(on);
    expect(statSync(join(folder, 'capture.json')).mode & 0o777).toBe(0o600);
  });

  it('is not changed by rules that are refused', async () => {
    const { capture } = await openCapture();
    const view = await capture.set(on);
    const refused = capture.set({ ...on, redact: [{ kind: 'pattern', pattern: '(a+)+' }] });
    await expect(refused).rejects.toMatchObject({ code: 'capture_rule_invalid' });
    expect(capture.view()).toEqual(view);
  });

  it('is over at once when it is switched off, even where the disk fails', async () => {
    const { capture } = await openCapture();
    await capture.set(on);
    rmSync(folder, { recursive: true });
    await expect(capture.set({ ...on, minutes: 0 })).rejects.toMatchObject({ code: 'storage_failed' });
    expect(capture.tap('echo')).toBeNull();
  });
});

describe('the database', () => {
  const shown = [
    ...secretSamples.map(({ name, text, rules = [] }) => ({ name, text, rules, hidden: sampleSecret })),
    ...encodedSamples.map((sample) => ({ ...sample, rules: [] })),
  ];

  it('and its log never hold a secret, whatever its form and wherever it is split', async () => {
    const log = await openRequestLog({
      file: join(folder, 'log.sqlite3'),
      retentionDays: 30,
      maxSizeMb: 100,
    });
    opened.push(log);
    const capture = await Capture.open({
      folder,
      store: (id, payload) => log.capture(id, payload),
      onProblem: () => undefined,
    });
    opened.push(capture);
    const endpoint = new SampleEndpoint({ capture, requestLog: log });
    opened.push(endpoint);
    const { session } = await endpoint.openH2();
    const redact = shown.flatMap(({ rules }) => rules);
    for (const [index, { text }] of shown.entries()) {
      const bytes = Buffer.from(text);
      await capture.set({
        ...on,
        redact,
        maxBytes: index % 2 === 0 ? 100_000 : Math.ceil(bytes.length * 0.7),
      });
      const stream = startRequest(session, '/rpc/echo', octets);
      const middle = Math.floor((bytes.length * (index % 7)) / 7);
      stream.write(bytes.subarray(0, middle));
      await new Promise((resolve) => setImmediate(resolve));
      stream.end(bytes.subarray(middle));
      await answerOf(stream);
      await request(session, '/rpc/echo', JSON.stringify({ text }));
    }
    await until(() => endpoint.sessions.live()[0]?.running === 0);
    await log.flush();
    const files = readdirSync(folder).filter((name) => name.startsWith('log.sqlite3'));
    const content = files.map((name) => readFileSync(join(folder, name), 'latin1')).join('');
    expect(files.length).toBeGreaterThan(1);
    expect(content).toContain('[redacted]');
    for (const { name, hidden } of shown) expect(content.includes(hidden), name).toBe(false);
    expect(content).not.toContain(sampleToken);
    expect(content).not.toContain(sampleSecret.slice(0, 6));
  });
});
