// Access tokens: what is kept, what is refused, and how a running service hears of a change.
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile, copyFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { GatehouseError } from '../../../shared/contracts/errors.ts';
import { AccessTokens } from './access-tokens.ts';
import { LiveAccessTokens } from './live-access-tokens.ts';

let folder = '';
let store: AccessTokens;
let live: LiveAccessTokens | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-tokens-'));
  store = new AccessTokens(folder);
});
afterEach(async () => {
  live?.close();
  live = undefined;
  await rm(folder, { recursive: true, force: true });
});

const fileOf = (id: string) => join(store.folder, `${id}.json`);

describe('AccessTokens', () => {
  it('makes gh_<id>_<secret> and keeps only what SCRAM needs, mode 0600', async () => {
    const { id, token } = await store.create('anna');
    const [, tokenId, secret] = /^gh_([a-z2-7]{12})_([A-Za-z0-9_-]{43})$/.exec(token)!;
    expect(tokenId).toBe(id);
    const text = await readFile(fileOf(id), 'utf8');
    expect(text).not.toContain(secret);
    expect((await stat(fileOf(id))).mode & 0o777).toBe(0o600);
    expect((await stat(store.folder)).mode & 0o777).toBe(0o700);
  });

  it("stores RFC 5802's StoredKey and ServerKey for the secret part", async () => {
    const { id, token } = await store.create('anna');
    const { salt, iterations, storedKey, serverKey } = (await store.read(id))!.scram;
    expect([salt.length, iterations]).toEqual([16, 4096]);
    const salted = pbkdf2Sync(token.split('_').slice(2).join('_'), salt, 4096, 32, 'sha256');
    const clientKey = createHmac('sha256', salted).update('Client Key').digest();
    expect(storedKey).toEqual(createHash('sha256').update(clientKey).digest());
    expect(serverKey).toEqual(createHmac('sha256', salted).update('Server Key').digest());
  });

  it('lists by creation and keeps a revoked token as a record, with the first time', async () => {
    const a = await store.create('anna');
    const revoked = await store.revoke(a.id);
    expect((await store.revoke(a.id)).revokedAt).toBe(revoked.revokedAt);
    const b = await store.create('Bob Müller', Date.now() + 60_000);
    const { tokens, problems } = await store.list();
    expect(tokens.map(({ id, user }) => [id, user])).toEqual([
      [a.id, 'anna'],
      [b.id, 'Bob Müller'],
    ]);
    expect(tokens[0]!.revokedAt).not.toBeNull();
    expect(problems).toEqual([]);
  });

  it.each(['', ' anna', 'anna ', 'an\nna', 'an\u0000na', 'an\u2028na', 'an\u202ena', 'x'.repeat(129)])(
    'refuses the user name %j',
    async (user) => {
      await expect(store.create(user)).rejects.toMatchObject({ code: 'usage' });
      expect((await store.list()).tokens).toEqual([]);
    },
  );

  it.each([0, -1, NaN, Infinity, 1.5, 1, 9e15])('refuses the expiry %d', async (expiresAt) => {
    await expect(store.create('anna', expiresAt)).rejects.toMatchObject({ code: 'usage' });
  });

  it.each(['', 'nope', '../secrets', 'aaaaaaaaaaaa', 'AAAAAAAAAAAA'])(
    'does not know the id %j',
    async (id) => {
      await expect(store.revoke(id)).rejects.toMatchObject({ code: 'access_token_unknown' });
      expect(await store.read(id)).toBeNull();
    },
  );

  const damages: readonly [string, (text: string) => string][] = [
    ['half-written', (text) => text.slice(0, text.length / 2)],
    ['empty', () => ''],
    ['null', () => 'null'],
    ['of another version', (text) => text.replace('"v": 1', '"v": 2')],
    ['with too few iterations', (text) => text.replace('4096', '1')],
    ['with too many iterations', (text) => text.replace('4096', '100001')],
    ['with a cut key', (text) => text.replace(/"storedKey": "[^"]{8}/, '"storedKey": "')],
    ['with an expiry that is text', (text) => text.replace('"expiresAt": null', '"expiresAt": "never"')],
    ['without the field revokedAt', (text) => text.replace('"revokedAt": null,', '')],
  ];
  it.each(damages)('skips and reports a file that is %s, and reads the others', async (_what, damage) => {
    const bad = await store.create('bad');
    const good = await store.create('good');
    await writeFile(fileOf(bad.id), damage(await readFile(fileOf(bad.id), 'utf8')));
    const { tokens, problems } = await store.list();
    expect(tokens.map(({ id }) => id)).toEqual([good.id]);
    expect(problems.map(({ code }) => code)).toEqual(['access_token_corrupt']);
    await expect(store.revoke(bad.id)).rejects.toMatchObject({ code: 'access_token_corrupt' });
  });

  it("does not take one token's file for another's", async () => {
    const a = await store.create('anna');
    await copyFile(fileOf(a.id), fileOf('aaaaaaaaaaaa'));
    await expect(store.read('aaaaaaaaaaaa')).rejects.toMatchObject({ code: 'access_token_corrupt' });
  });
});

describe('LiveAccessTokens', () => {
  const listener = () => ({
    onChange: vi.fn<(ids: readonly string[]) => void>(),
    onProblem: vi.fn<(problem: GatehouseError) => void>(),
  });
  const soon = { timeout: 1000, interval: 10 };

  it('tells of created, revoked and deleted tokens within a second', async () => {
    const told = listener();
    live = await LiveAccessTokens.open(store, told);
    const { id } = await store.create('anna');
    await vi.waitFor(() => expect(live?.find(id)?.status).toBe('active'), soon);
    await store.revoke(id);
    await vi.waitFor(() => expect(live?.find(id)?.status).toBe('revoked'), soon);
    await rm(fileOf(id));
    await vi.waitFor(() => expect(live?.find(id)).toBeNull(), soon);
    expect(told.onChange.mock.calls).toEqual([[[id]], [[id]], [[id]]]);
    expect(told.onProblem).not.toHaveBeenCalled();
  });

  it('tells when a token expires, and refuses it from that moment', async () => {
    const told = listener();
    const { id } = await store.create('anna', Date.now() + 700);
    live = await LiveAccessTokens.open(store, told);
    expect(live.find(id)?.status).toBe('active');
    await vi.waitFor(() => expect(told.onChange).toHaveBeenCalledWith([id]), { timeout: 1700, interval: 10 });
    expect(live.find(id)?.status).toBe('expired');
    expect(told.onChange).toHaveBeenCalledOnce();
  });

  it('ends a token whose file is damaged, reports it once, and keeps the others', async () => {
    const told = listener();
    const bad = await store.create('bad');
    const good = await store.create('good');
    live = await LiveAccessTokens.open(store, told);
    await writeFile(fileOf(bad.id), '{');
    await vi.waitFor(() => expect(told.onChange).toHaveBeenCalledWith([bad.id]), soon);
    expect(live.find(bad.id)).toBeNull();
    await store.create('third');
    await vi.waitFor(() => expect(told.onChange).toHaveBeenCalledTimes(2), soon);
    expect(live.find(good.id)?.status).toBe('active');
    expect(told.onProblem.mock.calls.map(([problem]) => problem.code)).toEqual(['access_token_corrupt']);
  });

  it('keeps what it last knew of a file that the disk does not give, and starts without it', async () => {
    const told = listener();
    const { id } = await store.create('anna');
    await mkdir(fileOf('aaaaaaaaaaaa'));
    live = await LiveAccessTokens.open(store, told);
    expect(live.find('aaaaaaaaaaaa')).toBeNull();
    await rm(fileOf(id));
    await mkdir(fileOf(id));
    await vi.waitFor(() => expect(told.onProblem).toHaveBeenCalled(), soon);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(live.find(id)?.status).toBe('active');
    await rm(fileOf(id), { recursive: true });
    await rm(fileOf('aaaaaaaaaaaa'), { recursive: true });
    await vi.waitFor(() => expect(live?.find(id)).toBeNull(), soon);
  });

  it('tells nothing after close', async () => {
    const told = listener();
    live = await LiveAccessTokens.open(store, told);
    live.close();
    await store.create('anna');
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(told.onChange).not.toHaveBeenCalled();
  });
});
