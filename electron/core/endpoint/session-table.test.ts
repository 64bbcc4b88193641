// Places are counted, for all and for each client, and given back once; sessions end by judgement.
import { describe, expect, it } from 'vitest';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { EndpointSession } from './session.ts';
import { SessionTable } from './session-table.ts';

function makeSession(id: string, ended: string[] = []): EndpointSession {
  return new EndpointSession({ id, clientId: 'anna', h2: true, tls: null, startedAt: 0 }, ({ code }) => {
    ended.push(`${id} ${code}`);
  });
}

describe('SessionTable', () => {
  it('has so many places for each client, and so many for all', () => {
    const table = new SessionTable({ maxSessions: 3, maxSessionsPerClient: 2 });
    const full = expect.objectContaining({ code: 'limit_exceeded' });
    table.takePlace('mallory');
    const giveBack = table.takePlace('mallory');
    expect(() => table.takePlace('mallory')).toThrow(full);
    table.takePlace('anna');
    expect(() => table.takePlace('bert')).toThrow(full);
    giveBack();
    giveBack();
    table.takePlace('bert');
    expect(() => table.takePlace('carl')).toThrow(full);
  });

  it('ends those that are judged, once, and forgets all that have ended', () => {
    const table = new SessionTable();
    const ended: string[] = [];
    const sessions = ['a', 'b', 'c'].map((id) => makeSession(id, ended));
    for (const session of sessions) table.add(session);
    sessions[2]?.closed();
    const judge = (session: EndpointSession) =>
      session.facts.id === 'b' ? null : new GatehouseError('shutting_down', 'Stopping.');
    table.endWhere(judge);
    table.endWhere(judge);
    expect(ended).toEqual(['a shutting_down']);
    expect(table.live().map((session) => session.facts.id)).toEqual(['b']);
  });
});
