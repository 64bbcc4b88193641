// The sessions page's state: sorted, chosen by keyboard, followed until it ends, ended.
import { beforeEach, describe, expect, it } from 'vitest';
import { ServiceDouble, refuse, session } from './service-double.ts';
import { SessionsState, protectionOf } from './sessions.svelte.ts';

let service: ServiceDouble;
let state: SessionsState;
const all = [
  session('a', { startedAt: 3, requests: 5, bytesRead: 1, bytesWritten: 1, remoteUser: 'zoe' }),
  session('b', { startedAt: 2, requests: 9, sessionVerified: false, remoteUser: null, clientId: 'bob' }),
  session('c', { startedAt: 1, requests: 5, e2eeUsed: false, sessionVerified: false, tlsVersion: null }),
];
const show = (...sessions: typeof all) =>
  (service.topics = { sessions: { total: sessions.length, sessions } });
const ids = () => state.rows.map(({ id }) => id);
beforeEach(() => {
  service = new ServiceDouble();
  show(...all);
  state = new SessionsState(service);
});

describe('SessionsState', () => {
  it.each([
    ['client', ['c', 'b', 'a']],
    ['verified', ['a', 'b', 'c']],
    ['requests', ['b', 'a', 'c']],
    ['bytes', ['b', 'c', 'a']],
    ['tls', ['c', 'a', 'b']],
  ] as const)('sorts by %s', (column, order) => {
    state.sort(column);
    expect(ids()).toEqual(order);
  });

  it('has the newest first, and the other way round on a second click', () => {
    expect(ids()).toEqual(['a', 'b', 'c']);
    state.sort('age');
    expect(ids()).toEqual(['c', 'b', 'a']);
  });

  it('does not call a session protected that is not', () => {
    expect(all.map(protectionOf)).toEqual(['verified', 'encrypted', 'plain']);
    expect(protectionOf(session('x', { e2eeUsed: false, sessionVerified: true }))).toBe('plain');
  });

  it('moves the selection from nothing to either end', () => {
    state.move(1);
    expect(state.selectedId).toBe('a');
    state.select(null);
    state.move(-1);
    expect(state.selectedId).toBe('c');
  });

  it('keeps the chosen session when it ends, as it was last seen, and says so', () => {
    state.select('b');
    show(all[0]!, { ...all[1]!, requests: 10 });
    state.remember();
    expect(state.selected).toMatchObject({ session: { requests: 10 }, ended: false });
    show(all[0]!);
    expect(state.selected).toMatchObject({ session: { id: 'b', requests: 10 }, ended: true });
  });

  it('ends the one that was asked about', async () => {
    service.answers['sessions.end'] = () => ({});
    state.askToEnd(all[0]!);
    await state.end();
    expect(service.calls).toEqual([{ name: 'sessions.end', args: { id: 'a' } }]);
    expect(state.ending).toBeNull();
  });

  it('takes one that is gone already as ended', async () => {
    service.answers['sessions.end'] = refuse('session_unknown');
    state.askToEnd(all[0]!);
    await state.end();
    expect(state.ending).toBeNull();
  });

  it('keeps the question open where ending failed', async () => {
    service.answers['sessions.end'] = refuse('not_signed_in');
    state.askToEnd(all[0]!);
    await expect(state.end()).rejects.toMatchObject({ code: 'not_signed_in' });
    expect(state.ending?.id).toBe('a');
  });
});
