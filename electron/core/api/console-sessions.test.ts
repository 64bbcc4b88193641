// Who is signed in, for how long, and whose wrong passwords count together.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { idleMs } from './console-session.ts';
import { ConsoleSessions } from './console-sessions.ts';

let now = 0;
let sessions: ConsoleSessions;
beforeEach(() => {
  now = 1_000;
  sessions = new ConsoleSessions(() => now);
});
afterEach(() => sessions.close());

const open = (source = 'a') => sessions.open({ source, place: `browser ${source}` });

describe('ConsoleSessions', () => {
  it('signs out what was idle for half an hour, and not what is used', () => {
    const [idle, used] = [open(), open()];
    idle.signIn();
    used.signIn();
    now += idleMs - 1;
    sessions.sweep();
    expect(idle.signedIn).toBe(true);
    used.touch(now);
    now += 1;
    sessions.sweep();
    expect([idle.signedIn, used.signedIn]).toEqual([false, true]);
  });

  it('forgets strangers before anybody who is signed in, however many come', () => {
    const forgotten: unknown[] = [];
    sessions.onForgotten((session) => forgotten.push(session));
    const admin = open();
    admin.signIn();
    for (let each = 0; each < 1_000; each += 1) {
      now += 1;
      open('b');
    }
    expect(admin.signedIn).toBe(true);
    expect(forgotten).not.toContain(admin);
    expect(forgotten).toHaveLength(1_001 - 256);
  });

  it('counts wrong passwords by place, until a session has given the right one', () => {
    const [one, two] = [open(), open()];
    expect(one.source).toBe(two.source);
    one.signIn();
    one.signOut();
    expect(one.source).not.toBe(two.source);
    expect(two.source).toBe('a');
  });

  it('calls nobody an administrator who has not signed in', () => {
    const session = open();
    expect(session.actor).toBe('browser a');
    session.signIn();
    expect(session.actor).toBe('administrator (browser a)');
  });

  it('tells of each sign-in and sign-out once', () => {
    const session = open();
    let told = 0;
    const unlisten = session.onChange(() => (told += 1));
    session.signIn();
    session.signIn();
    session.signOut();
    unlisten();
    session.signIn();
    expect(told).toBe(2);
  });
});
