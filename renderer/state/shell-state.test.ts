// The small pure parts of the shell: address, stage, set-up key, status and palette.
import { describe, expect, it } from 'vitest';
import type { ConsoleState, SessionView } from '../../shared/contracts/console/models.ts';
import type { Action } from './actions.svelte.ts';
import { formatHash, parseHash } from './address.ts';
import { matchActions } from './palette.svelte.ts';
import { takeSetupKey } from './setup-key.ts';
import { stageOf } from './stage.ts';
import { presenceOf, protectionOf } from './status.ts';

describe('the address', () => {
  it('keeps whatever a filter holds', () => {
    const filter = 'rpc:ping "a & b = c #1" dur>200ms ü+%';
    const { path, query } = parseHash(formatHash('/requests', { filter, sort: null, columns: '' }));
    expect(path).toBe('/requests');
    expect([...query]).toEqual([['filter', filter]]);
  });

  it.each(['', '#', '#setup', '#?a=b'])('of %j is the first page', (hash) => {
    expect(parseHash(hash).path).toBe('/');
  });
});

describe('the stage', () => {
  const state = (phase: ConsoleState['phase'], signedIn: boolean): ConsoleState => ({
    phase,
    signedIn,
    host: 'browser',
    version: '1',
    setupKeyRequired: false,
    remember: { available: false, reason: null, remembered: false },
    trial: false,
    problem: null,
  });

  it.each([
    [undefined, false, 'connecting'],
    [state('first_run', false), false, 'first_run'],
    [state('locked', false), false, 'unlock'],
    [state('starting', false), false, 'unlock'],
    [state('failed', true), false, 'unlock'],
    [state('serving', false), false, 'unlock'],
    [state('serving', true), false, 'console'],
    [state('serving', true), true, 'first_run'],
  ] as const)('of %o (holding: %s) is %s', (given, holding, stage) => {
    expect(stageOf(given, holding)).toBe(stage);
  });
});

describe('the set-up key', () => {
  const page = (hash: string) => {
    const replaced: unknown[] = [];
    const location = { hash, pathname: '/', search: '' };
    const history = { replaceState: (...args: unknown[]) => replaced.push(args[2]) };
    return { page: { location, history } as object as Window, replaced };
  };

  it('is taken out of the address at once', () => {
    const { page: given, replaced } = page('#setup=ab-C_1');
    expect(takeSetupKey(given)).toBe('ab-C_1');
    expect(replaced).toEqual(['/']);
  });

  it('leaves every other address alone', () => {
    const { page: given, replaced } = page('#/requests?filter=setup');
    expect(takeSetupKey(given)).toBeNull();
    expect(replaced).toEqual([]);
  });
});

describe('the status', () => {
  const session = (change: Partial<SessionView>): SessionView => ({
    id: 'a',
    clientId: 'c',
    remoteUser: null,
    tokenId: null,
    e2eeUsed: true,
    sessionVerified: false,
    verifiedBy: 'none',
    tlsVersion: null,
    cipher: null,
    fingerprint: null,
    onCurrentCertificate: true,
    h2: true,
    startedAt: 0,
    running: 0,
    requests: 0,
    bytesRead: 0,
    bytesWritten: 0,
    ...change,
  });
  const view = (...sessions: SessionView[]) => ({ total: sessions.length, sessions });
  const anna = session({ remoteUser: 'anna', sessionVerified: true });

  it.each([
    ['unknown', undefined],
    ['nobody', view()],
    ['plain', view(anna, session({ e2eeUsed: false }))],
    ['unverified', view(anna, session({}))],
    ['verified', view(anna, anna)],
  ] as const)('of protection is %s only by what live sessions are', (kind, sessions) => {
    expect(protectionOf(sessions).kind).toBe(kind);
    expect(protectionOf(sessions).tone === 'ok').toBe(kind === 'verified');
  });

  it('of presence names each user once and counts who has no name', () => {
    expect(presenceOf(view(anna, session({}), anna))).toEqual({ total: 3, users: ['anna'], unnamed: 1 });
  });
});

describe('the palette', () => {
  const action = (title: string): Action => ({ id: title, title: () => title, group: 'go', run: () => {} });
  const actions = [action('Unlock nothing'), action('Lock console'), action('Go to Audit')];

  it('finds words in any order, beginnings of words first', () => {
    const titles = (text: string) => matchActions(actions, text).map(({ id }) => id);
    expect(titles('lock')).toEqual(['Lock console', 'Unlock nothing']);
    expect(titles('audit go')).toEqual(['Go to Audit']);
    expect(titles('xyz')).toEqual([]);
    expect(titles('')).toHaveLength(3);
  });
});
