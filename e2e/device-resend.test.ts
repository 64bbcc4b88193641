// A relay that forges SESSION_EXPIRED to a request that changes something, an upload, at whole-system level: the app sends
// it once more under its id, and the service does it once. Relay, service and provider are real processes.
import { mkdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { codeOf, HostileApp, problem } from './support/hostile-app.ts';
import { until } from './support/waiting.ts';

let app: HostileApp;
beforeAll(async () => {
  app = await HostileApp.start(40);
  const { world } = app.devices;
  mkdirSync(world.home.path('inbox'));
  await world.admin('collection', 'add', 'Inbox', world.home.path('inbox'), '--allow-upload');
  await until('the collection is there', async () => {
    const { collections } = (await app.session.request('documents.collections', null, {
      idempotent: true,
    })) as { collections: { name: string }[] };
    return collections.some(({ name }) => name === 'Inbox');
  });
});
afterEach(() => {
  app.tamper = null;
});
afterAll(() => app.close());

const contentOf = (name: string): string =>
  readFileSync(app.devices.world.home.path('inbox', name)).toString();

/** Not idempotent: the second time it would end in `document_conflict`. */
function upload(name: string, text: string): Promise<unknown> {
  const content = Buffer.from(text).toString('base64url');
  return app.session.request('documents.put', { collection: 'Inbox', name, expected: null, content });
}

/** Uploads that ran, whatever they ended with. */
function uploads(): number {
  return app.devices.world
    .rows()
    .filter(({ rpc_name, rejection_code }) => rpc_name === 'documents.put' && rejection_code === null).length;
}

it('after it has delivered the upload: it is not done again, and its outcome is called unknown', async () => {
  const before = uploads();
  let sent = 0;
  app.tamperRequests = async (_passing, forward) => {
    sent += 1;
    const answer = await forward();
    return sent === 1 ? problem(401, 'SESSION_EXPIRED') : answer;
  };
  expect(await upload('after.txt', 'once').catch(codeOf)).toBe('RESULT_UNKNOWN');
  expect([sent, uploads() - before, contentOf('after.txt')]).toEqual([2, 1, 'once']);
  await until('the refusal is on record', () => app.logged().includes('RESULT_UNKNOWN'));
});

it('before it has delivered the upload: it is done exactly once, and its answer arrives', async () => {
  const before = uploads();
  const session = app.session.sessionId;
  let sent = 0;
  app.tamperRequests = async (_passing, forward) => {
    sent += 1;
    return sent === 1 ? problem(401, 'SESSION_EXPIRED') : forward();
  };
  expect(await upload('before.txt', 'once')).toMatchObject({ done: true, name: 'before.txt' });
  expect([sent, uploads() - before, contentOf('before.txt')]).toEqual([2, 1, 'once']);
  expect(app.session.sessionId).not.toBe(session);
});

it('and delivers the upload that it held back when its retry was answered: it is done once', async () => {
  const before = uploads();
  const held: (() => Promise<unknown>)[] = [];
  app.tamperRequests = async (_passing, forward) => {
    if (held.length > 0) return forward();
    held.push(forward);
    return problem(401, 'SESSION_EXPIRED');
  };
  expect(await upload('held.txt', 'once')).toMatchObject({ done: true });
  await held[0]?.();
  expect([uploads() - before, contentOf('held.txt')]).toEqual([1, 'once']);
});
