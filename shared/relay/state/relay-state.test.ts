// What is on disk: hashes and never tokens, mode 0600, each record by itself, and nothing taken twice.
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RelayState } from './relay-state.ts';

const serviceId = 'abcd-efgh-2345';
const publicKey = 'A'.repeat(43);
let folder: string;
let state: RelayState;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-state-'));
  state = await RelayState.open(folder);
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('tokens', () => {
  it('are of the promised form, and differ', async () => {
    const client = await state.clientTokens.mint('anna', null);
    const enrolment = await state.enrolmentTokens.mint();
    expect(client.token).toMatch(/^ghr_[a-z2-7]{12}_[A-Za-z0-9_-]{43}$/);
    expect(enrolment.token).toMatch(/^ghe_[a-z2-7]{12}_[A-Za-z0-9_-]{43}$/);
    expect(client.token.split('_')[1]).toBe(client.id);
    expect((await state.clientTokens.mint('anna', null)).token).not.toBe(client.token);
  });

  it('are on disk as hashes only, mode 0600 in folders of 0700', async () => {
    const { id, token } = await state.clientTokens.mint('anna', [serviceId]);
    const file = join(folder, 'client-tokens', `${id}.json`);
    expect(await readFile(file, 'utf8')).not.toContain(token.slice(17));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'client-tokens'))).mode & 0o777).toBe(0o700);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  it('authorise what they were made for, until they are revoked', async () => {
    const { id, token } = await state.clientTokens.mint('anna', [serviceId]);
    expect(await state.clientTokens.authorise(token)).toEqual({
      tokenId: id,
      user: 'anna',
      serviceIds: [serviceId],
    });
    await state.clientTokens.revoke(id);
    await state.clientTokens.revoke(id);
    await expect(state.clientTokens.authorise(token)).rejects.toMatchObject({ code: 'not_authorised' });
    expect(await state.clientTokens.grant(id)).toBeNull();
    expect((await state.clientTokens.list()).records.get(id)?.revokedAt).toEqual(expect.any(String));
  });

  it('of enrolment are taken by exactly one of many, also over two states of one folder', async () => {
    const other = await RelayState.open(folder);
    const { token } = await state.enrolmentTokens.mint();
    const uses = await Promise.all(
      Array.from({ length: 16 }, (_, index) =>
        (index % 2 === 0 ? state : other).enrolmentTokens.consume(token),
      ),
    );
    expect(uses.filter(Boolean)).toHaveLength(1);
    expect(await readdir(join(folder, 'enrolment-tokens'))).toEqual([]);
  });

  it.each(['', ' ', 'anna ', 'a\nb', 'a\u0000b', 'a\u202eb', 'x'.repeat(129)])(
    'are not made for the user %j',
    async (user) => {
      await expect(state.clientTokens.mint(user, null)).rejects.toMatchObject({ code: 'usage' });
    },
  );

  it.each([[[]], [['abcd']], [['../../etc']], [['ABCD-EFGH-2345']]])(
    'are not made for the services %j',
    async (ids) => {
      await expect(state.clientTokens.mint('anna', ids)).rejects.toMatchObject({ code: 'usage' });
    },
  );

  it.each([0, -1, 59_999, NaN, Infinity, 366 * 86_400_000])(
    'of enrolment do not live %s ms',
    async (life) => {
      await expect(state.enrolmentTokens.mint(life)).rejects.toMatchObject({ code: 'usage' });
    },
  );

  it.each(['../relay', 'AAAAAAAAAAAA', '', 'a/b', '.'])(
    'with the id %j are unknown, not a path',
    async (id) => {
      await expect(state.clientTokens.revoke(id)).rejects.toMatchObject({ code: 'relay_record_unknown' });
    },
  );
});

describe('a corrupt record', () => {
  it.each([
    ['empty', ''],
    ['half-written', '{"hash":"abc'],
    ['null', 'null'],
    ['an array', '[]'],
    ['of another form', '{"v":2}'],
    [
      'with a hash of the wrong length',
      JSON.stringify({ hash: 'abc', user: 'a', serviceIds: null, createdAt: new Date(), revokedAt: null }),
    ],
    [
      'without serviceIds',
      JSON.stringify({ hash: publicKey, user: 'a', createdAt: new Date(), revokedAt: null }),
    ],
    [
      'with a revokedAt that is no time',
      JSON.stringify({ hash: publicKey, user: 'a', serviceIds: null, createdAt: new Date(), revokedAt: 'x' }),
    ],
  ])('%s lets nobody in, is named, and leaves the others alone', async (_name, content) => {
    const [bad, good] = [
      await state.clientTokens.mint('bad', null),
      await state.clientTokens.mint('good', null),
    ];
    await writeFile(join(folder, 'client-tokens', `${bad.id}.json`), content);
    await expect(state.clientTokens.authorise(bad.token)).rejects.toMatchObject({
      code: 'relay_record_corrupt',
    });
    expect((await state.clientTokens.authorise(good.token)).user).toBe('good');
    const { records, problems } = await state.clientTokens.list();
    expect([...records.keys()]).toEqual([good.id]);
    expect(problems.map((problem) => problem.code)).toEqual(['relay_record_corrupt']);
  });

  it('of a service is not taken for a missing one, and can be forgotten', async () => {
    await state.services.pin(serviceId, publicKey);
    await writeFile(join(folder, 'services', `${serviceId}.json`), '');
    await expect(state.services.keyOf(serviceId)).rejects.toMatchObject({ code: 'relay_record_corrupt' });
    await state.services.forget(serviceId);
    expect(await state.services.keyOf(serviceId)).toBeNull();
  });

  it('does not come from files that are not records', async () => {
    await writeFile(join(folder, 'services', 'notes.txt'), 'x');
    await writeFile(join(folder, 'services', '.abcd-efgh-2345.json.tmp'), 'x');
    expect(await state.services.list()).toEqual({ records: new Map(), problems: [] });
  });
});
