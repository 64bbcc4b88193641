// The access page's state: tokens found, chosen, made, shown once and revoked.
import { beforeEach, describe, expect, it } from 'vitest';
import type { AccessTokenView } from '../../shared/contracts/console/models.ts';
import { TokenForm } from './access-token-form.svelte.ts';
import { AccessState } from './access.svelte.ts';
import { ServiceDouble, refuse } from './service-double.ts';

const token = (id: string, user: string, facts: Partial<AccessTokenView> = {}): AccessTokenView => ({
  id,
  user,
  status: 'active',
  createdAt: 0,
  expiresAt: null,
  revokedAt: null,
  lastUsedAt: null,
  liveSessions: 0,
  ...facts,
});
const tokens = [
  token('t1', 'bert', { createdAt: 1 }),
  token('t2', 'anna', { status: 'revoked', createdAt: 9 }),
  token('t3', 'anna', { createdAt: 2, liveSessions: 2 }),
  token('t4', 'anna', { status: 'expired', createdAt: 3 }),
  token('t5', 'anna', { createdAt: 5, liveSessions: 1 }),
];

let service: ServiceDouble;
let state: AccessState;
beforeEach(() => {
  service = new ServiceDouble();
  service.topics = { tokens: { tokens, problems: [] } };
  state = new AccessState(service);
});
const shown = () => state.groups.flatMap((group) => group.tokens.map(({ id }) => id));

describe('AccessState', () => {
  it('groups by user, active tokens first and the newest of them first', () => {
    expect(shown()).toEqual(['t5', 't3', 't4', 't2', 't1']);
    expect(state.groups[0]).toMatchObject({ user: 'anna', active: 2, liveSessions: 3 });
  });

  it.each([
    ['ANN', 'all', ['t5', 't3', 't4', 't2']],
    ['t1', 'all', ['t1']],
    ['', 'active', ['t5', 't3', 't1']],
    ['anna', 'revoked', ['t2']],
    ['nobody', 'all', []],
  ] as const)('finds %j among %s', (text, status, ids) => {
    Object.assign(state, { text, status });
    expect(shown()).toEqual(ids);
  });

  it('moves the selection through the groups and stops at both ends', () => {
    state.move(1);
    expect(state.selectedId).toBe('t5');
    state.move(4);
    expect(state.selectedId).toBe('t1');
    state.move(1);
    expect(state.selectedId).toBe('t1');
    state.move(-99);
    expect(state.selectedId).toBe('t5');
  });

  it('revokes only what is active, and tells how many sessions ended', async () => {
    state.askToRevoke(tokens[1]!);
    expect(state.revoking).toBeNull();
    service.answers['tokens.revoke'] = () => ({ sessionsEnded: 2 });
    state.askToRevoke(tokens[2]!);
    expect(state.sessionsOf(tokens[2]!)).toBe(2);
    expect(await state.revoke()).toBe(2);
    expect(service.calls).toEqual([{ name: 'tokens.revoke', args: { id: 't3' } }]);
    expect(state.revoking).toBeNull();
  });

  it('keeps the question open where revoking failed', async () => {
    service.answers['tokens.revoke'] = refuse('storage_failed');
    state.askToRevoke(tokens[2]!);
    await expect(state.revoke()).rejects.toMatchObject({ code: 'storage_failed' });
    expect(state.revoking?.id).toBe('t3');
  });
});

describe('TokenForm', () => {
  const now = Date.parse('2026-11-27T12:00:00Z');
  let form: TokenForm;
  beforeEach(() => {
    form = new TokenForm(service, () => now);
    form.user = ' anna ';
    service.answers['tokens.create'] = () => ({ id: 't9', token: 'gh_secret' });
  });

  it.each([
    ['none', '', null],
    ['1', '', now + 86_400_000],
    ['90', '', now + 90 * 86_400_000],
    ['custom', '2099-01-01T10:00', new Date(2099, 0, 1, 10).getTime()],
    ['custom', '2020-01-01T10:00', undefined],
    ['custom', '', undefined],
  ] as const)('takes %s %s as %s', (expiry, customTime, expiresAt) => {
    Object.assign(form, { expiry, customTime });
    expect(form.expiresAt).toBe(expiresAt);
    expect(form.gap).toBe(expiresAt === undefined ? 'time' : null);
  });

  it('does not make a token for nobody', async () => {
    form.user = '  ';
    await form.submit();
    expect([form.gap, service.calls]).toEqual(['user', []]);
  });

  it('asks before a secret that nobody copied is let go of', async () => {
    form.expiry = 'none';
    await form.submit();
    expect(service.calls[0]?.args).toEqual({ user: 'anna', expiresAt: null });
    expect(form.mayClose()).toBe(false);
    expect(form.asking).toBe(true);
    form.copied = true;
    expect(form.mayClose()).toBe(true);
  });

  it('has nothing of the secret once it is closed', async () => {
    await form.submit();
    form.forget();

    expect(form.shown).toBeNull();
  });
});
