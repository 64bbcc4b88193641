// What a row tells of a device session: in the log, the inspector's lines and detail, the filter field `device:` and exports.
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { openSampleInspector, query } from './sample-inspector.ts';
import {
  openSampleLog,
  releaseSamples,
  sampleOutcome,
  sampleRejection,
  sampleRow,
  temporaryFolder,
} from './sample-rows.ts';

afterEach(releaseSamples);

const fingerprint = 'ab'.repeat(32);
const device = { fingerprint, issuer: 'https://id.example', subject: 'anna', counter: 17 };
const claim = { fingerprint: null, issuer: null, subject: null, counter: null };

it('is stored, shown, found and exported', async () => {
  const log = await openSampleLog(join(temporaryFolder(), 'requests.db'));
  const plain = { certificate: null, tlsVersion: null };
  await log.begin(sampleRow(log.nextId()));
  await log.begin(sampleRow(log.nextId(), { ...plain, device }));
  log.finish(2, sampleOutcome);
  log.reject(sampleRejection({ ...plain, e2eeUsed: false, device: claim, rejectionCode: 'SESSION_UNKNOWN' }));
  await log.begin(sampleRow(log.nextId(), { ...plain, e2eeUsed: false }));
  await log.flush();
  const rows = await log.recent(4);
  expect(rows.map((row) => row.device)).toEqual([undefined, claim, device, undefined]);
  const inspector = await openSampleInspector(log);
  const page = await inspector.page(query());
  expect(page.rows.map((row) => row.sessionKind)).toEqual(['none', 'device', 'device', 'tls']);
  expect(await inspector.detail(2)).toMatchObject({ sessionKind: 'device', device, certificate: null });
  expect(await inspector.detail(1)).toMatchObject({ sessionKind: 'tls', device: null });
  for (const filter of [`device:${fingerprint}`, 'device:abab*', 'device:*']) {
    expect((await inspector.page(query({ filter }))).rows.map(({ id }) => id)).toEqual([2]);
  }
  expect(await inspector.complete({ field: 'device', prefix: 'ab', limit: 5 })).toEqual({
    values: [fingerprint],
  });
  const texts: string[] = [];
  const { sort } = query();
  for await (const { bytes } of inspector.export({ filter: 'id:2', sort, format: 'ndjson' })) {
    texts.push(Buffer.from(bytes).toString());
  }
  expect(JSON.parse(texts.join(''))).toMatchObject({
    sessionKind: 'device',
    deviceFingerprint: fingerprint,
    oidcIssuer: device.issuer,
    oidcSubject: 'anna',
    requestCounter: 17,
  });
});
