// The document RPCs as a TLS client calls them: through TLS, HTTP/2, session verification, policy and log.
import { connect } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultSettings } from '../../../shared/contracts/settings.ts';
import { ScramClient } from '../../../shared/e2ee/scram/client.ts';
import { channelBinding, startClientTls } from '../../../shared/e2ee/tunnel.ts';
import { testCredential, testToken } from '../../../shared/testing/scram-exchange.ts';
import { issueCertificate } from '../certificates/issue.ts';
import { decrypt, SampleDocuments } from '../documents/documents-samples.ts';
import type { DocumentAnswer } from '../../../shared/contracts/documents.ts';
import { codeOf, request, SampleLog, sampleServiceId } from '../endpoint/endpoint-samples.ts';
import type { SampleAnswer } from '../endpoint/endpoint-samples.ts';
import { Endpoint } from '../endpoint/endpoint.ts';
import { rpcs } from './registry.ts';

const certificate = await issueCertificate(sampleServiceId);
const text = { 'content-type': 'text/plain; charset=utf-8' };
let sample: SampleDocuments;
let endpoint: Endpoint;
let log: SampleLog;
let session: ClientHttp2Session;
/** RPCs that payload capture was asked about. */
const taps: string[] = [];

beforeEach(async () => {
  sample = await SampleDocuments.open({ allowUpload: true });
  log = new SampleLog();
  endpoint = new Endpoint({
    serviceId: sampleServiceId,
    settings: () => defaultSettings,
    findToken: (id) => (id === testToken.id ? { remoteUser: 'Anna', scram: testCredential } : null),
    fakeSaltKey: Buffer.alloc(32, 0xfa),
    log,
    domainName: () => 'PROD',
    certificate,
    documents: sample.documents,
    capture: {
      tap: (name) => {
        taps.push(name);
        return null;
      },
    },
  });
  session = await open(true);
});
afterEach(async () => {
  session.destroy();
  await sample.close();
});

async function open(isVerified: boolean): Promise<ClientHttp2Session> {
  const [near, far] = duplexPair();
  endpoint.acceptor.acceptDirect(far, 'anna');
  const { socket } = await startClientTls(near, { alpn: ['h2'] });
  const opened = connect('https://service', { createConnection: () => socket });
  opened.on('error', () => undefined);
  if (!isVerified) return opened;
  const scram = new ScramClient({ ...testToken, channelBinding: channelBinding(socket) });
  const first = await request(opened, '/session/verify', scram.first(), text);
  await request(opened, '/session/verify', await scram.final(String(first.body)), text);
  return opened;
}

function call(rpc: string, args?: unknown, on = session): Promise<SampleAnswer> {
  return request(on, `/rpc/documents.${rpc}`, args === undefined ? '' : JSON.stringify(args));
}

function stream(rpc: string, args: unknown, body: Buffer | string = ''): Promise<SampleAnswer> {
  return request(session, `/rpc/documents.${rpc}`, body, {
    'content-type': 'application/octet-stream',
    'gatehouse-args': Buffer.from(JSON.stringify(args)).toString('base64url'),
  });
}

function json(answer: SampleAnswer): unknown {
  return JSON.parse(String(answer.body));
}

function sha256(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex');
}

describe('the document RPCs', () => {
  it('list collections without saying where they are', async () => {
    const answer = await call('collections');
    expect(json(answer)).toEqual({ collections: [{ name: 'files', allowUpload: true }] });
    expect(String(answer.body)).not.toContain(sample.folder);
  });

  it('list documents in pages, and search them', async () => {
    for (const name of ['a.txt', 'b.txt', 'c.md']) await sample.put(name, name);
    const first = json(await call('list', { collection: 'files', limit: 2 })) as { next: string };
    expect(first).toMatchObject({ documents: [{ name: 'a.txt', size: 5 }, { name: 'b.txt' }] });
    const rest = await call('list', { collection: 'files', limit: 2, cursor: first.next });
    expect(json(rest)).toMatchObject({ documents: [{ name: 'c.md' }], next: null });
    expect(json(await call('list', { collection: 'files', search: 'MD' }))).toMatchObject({
      documents: [{ name: 'c.md' }],
    });
  });

  it('get a version with its key, which opens the blob', async () => {
    await sample.put('a.txt', 'content');
    const answer = json(await call('get', { collection: 'files', name: 'a.txt' })) as DocumentAnswer;
    expect(String(await decrypt(answer, await sample.ciphertext(answer)))).toBe('content');
    expect(json(await call('versions', { collection: 'files', name: 'a.txt' }))).toMatchObject({
      versions: [{ version: answer.version, current: true }],
    });
    const { fetches } = sample.documents.fetches({
      collection: null,
      document: null,
      cursor: null,
      limit: 9,
    });
    expect(fetches).toMatchObject([{ user: 'Anna', via: 'tls', document: 'a.txt', version: answer.version }]);
  });

  it('stream the content inside the session, from any byte on', async () => {
    const content = await sample.putRandom('a.bin', 300_000);
    const args = { collection: 'files', name: 'a.bin', inline: true };
    const all = await stream('get', args);
    expect(all.headers['content-type']).toBe('application/octet-stream');
    expect(all.whole && all.body.equals(content)).toBe(true);
    const rest = await stream('get', { ...args, from: 123_456, version: sha256(content) });
    expect(rest.body.equals(content.subarray(123_456))).toBe(true);
    // Without a streamed body too.
    expect((await call('get', args)).body.equals(content)).toBe(true);
  });

  it('put a new version from a streamed body, whole, and in parts', async () => {
    const put = { collection: 'files', name: 'a.txt', expected: null };
    expect(json(await stream('put', put, 'one'))).toEqual({
      ...{ done: true, name: 'a.txt', version: sha256('one'), size: 3 },
    });
    const content = Buffer.from('two').toString('base64url');
    await call('put', { ...put, expected: sha256('one'), content });
    expect(await readFile(join(sample.folder, 'a.txt'), 'utf8')).toBe('two');
    const parts = { ...put, expected: sha256('two'), size: 6, content };
    const open = json(await call('put', parts)) as { upload: string };
    expect(open).toMatchObject({ done: false, offset: 3 });
    expect(json(await call('put', { ...parts, upload: open.upload, offset: 3 }))).toMatchObject({
      done: true,
    });
    expect(await readFile(join(sample.folder, 'a.txt'), 'utf8')).toBe('twotwo');
    expect(codeOf(await stream('put', { ...put, expected: sha256('one') }, 'lost'))).toBe(
      'document_conflict',
    );
    expect(await readFile(join(sample.folder, 'a.txt'), 'utf8')).toBe('twotwo');
  });

  it.each([
    ['list', { collection: 'none' }, 'collection_unknown'],
    ['list', {}, 'rpc_bad_request'],
    ['list', { collection: 'files', limit: 1001 }, 'rpc_bad_request'],
    ['list', { collection: 'files', folder: '/' }, 'rpc_bad_request'],
    ['list', { collection: 'files', cursor: 'x' }, 'cursor_invalid'],
    ['get', { collection: 'files', name: '../x' }, 'document_name_invalid'],
    ['get', { collection: 'files', name: 'x' }, 'document_unknown'],
    ['get', { collection: 'files', name: 'x', version: '1' }, 'rpc_bad_request'],
    ['get', { collection: 'files', name: 'x', from: 1 }, 'rpc_bad_request'],
    ['versions', { collection: 'files', name: '/etc/passwd' }, 'document_name_invalid'],
    ['put', { collection: 'files', name: 'x', expected: null }, 'rpc_bad_request'],
    ['put', { collection: 'files', name: 'x', content: '' }, 'rpc_bad_request'],
    ['put', { collection: 'files', name: 'x', expected: null, content: '===' }, 'rpc_bad_request'],
    ['put', { collection: 'files', name: 'x', expected: null, content: '', offset: 5 }, 'rpc_bad_request'],
    [
      'put',
      { collection: 'files', name: 'x', expected: null, content: '', upload: 'A'.repeat(32) },
      'document_unknown',
    ],
  ])('%s of %j is refused with a code', async (rpc, args, code) => {
    const answer = await call(rpc, args);
    expect(codeOf(answer)).toBe(code);
    expect(String(answer.body)).not.toContain(sample.base);
  });

  it.each([...rpcs.keys()].filter((name) => name.startsWith('documents.')))(
    '%s answers nobody whom the service has not verified: the relay can open a session too',
    async (name) => {
      const unverified = await open(false);
      const answer = await request(
        unverified,
        `/rpc/${name}`,
        JSON.stringify({ collection: 'files', name: 'a' }),
      );
      expect(codeOf(answer)).toBe('access_token_required');
      unverified.destroy();
      const rpc = rpcs.get(name);
      const caller = { kind: 'plain', user: 'anna', deviceId: null, deviceName: null } as const;
      const context = {
        documents: sample.documents,
        caller,
        now: Date.now,
        capabilities: () => ({}) as never,
      };
      const run = (async () =>
        rpc?.run({ args: {}, body: null, signal: new AbortController().signal, context }))();
      await expect(run).rejects.toMatchObject({ code: 'e2ee_required' });
    },
  );

  it('a device gets blobs and never the content inline', async () => {
    await sample.put('a.txt', 'x');
    const caller = { kind: 'device', user: 'sub', deviceId: 'd', deviceName: 'n' } as const;
    const context = { documents: sample.documents, caller, now: Date.now, capabilities: () => ({}) as never };
    const args = { collection: 'files', name: 'a.txt', inline: true };
    const run = async () =>
      rpcs.get('documents.get')?.run({ args, body: null, signal: new AbortController().signal, context });
    await expect(run()).rejects.toMatchObject({ code: 'rpc_bad_request' });
  });

  it('never let payload capture see a key', async () => {
    await sample.put('a.txt', 'x');
    taps.length = 0;
    await call('get', { collection: 'files', name: 'a.txt' });
    await call('list', { collection: 'files' });
    expect(taps).toEqual(['documents.list']);
  });

  it('are rows of the request log as any other', async () => {
    await call('list', { collection: 'files' });
    await call('get', { collection: 'files', name: 'none' });
    const rows = log.begun.map(({ rpcName, remoteUser }) => [rpcName, remoteUser]);
    expect(rows).toEqual([
      ['documents.list', 'Anna'],
      ['documents.get', 'Anna'],
    ]);
    expect(log.finished.map(({ status, errorCode }) => [status, errorCode])).toEqual([
      ['SUCCESS', null],
      ['FAILED', 'document_unknown'],
    ]);
  });
});
