// What a live session says about itself: body bytes, activity, the client's word, and that it has changed.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { request, SampleEndpoint, startRequest, until } from './endpoint-samples.ts';

const octets = { 'content-type': 'application/octet-stream' };
const json = { 'content-type': 'application/json' };
const opened: SampleEndpoint[] = [];

afterEach(() => {
  for (const endpoint of opened.splice(0)) endpoint.close();
});

async function open() {
  const endpoint = new SampleEndpoint();
  opened.push(endpoint);
  const { session } = await endpoint.openH2();
  await until(() => endpoint.sessions.live().length === 1);
  return { endpoint, session, live: endpoint.sessions.live()[0]! };
}

describe('a session', () => {
  it('counts the body bytes of its requests, both ways', async () => {
    const { session, live } = await open();
    await request(session, '/rpc/echo', '{"a":1}');
    await request(session, '/rpc/echo', Buffer.alloc(100_000), octets);
    await until(() => live.running === 0);
    expect([live.bytesRead, live.bytesWritten]).toEqual([100_007, 100_007]);
  });

  it('counts a streamed body that is answered with JSON', async () => {
    const { endpoint, session, live } = await open();
    const answer = await request(session, '/rpc/discard', Buffer.alloc(70_000), octets);
    await until(() => live.running === 0);
    expect([live.bytesRead, live.bytesWritten]).toEqual([70_000, answer.body.length]);
    expect(endpoint.log.finished).toMatchObject([{ bytesRead: 70_000 }]);
  });

  it('counts the bytes of a request that still runs, and each of them once', async () => {
    const { session, live } = await open();
    const stream = startRequest(session, '/rpc/echo', octets);
    stream.write(Buffer.alloc(5_000));
    stream.resume();
    await until(() => live.bytesWritten === 5_000);
    expect([live.running, live.bytesRead]).toEqual([1, 5_000]);
    stream.end(Buffer.alloc(1_000));
    await until(() => live.running === 0);
    expect([live.bytesRead, live.bytesWritten]).toEqual([6_000, 6_000]);
  });

  it('says when a request last began or ended', async () => {
    const { session, live } = await open();
    expect(live.lastActiveAt).toBe(live.facts.startedAt);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await request(session, '/rpc/ping', '');
    expect(live.lastActiveAt).toBeGreaterThanOrEqual(live.facts.startedAt + 18);
  });

  it("has the client's word of its latest request", async () => {
    const { endpoint, session, live } = await open();
    expect(live.verifiedBy).toBe('none');
    await request(session, '/rpc/ping', '', { ...json, 'gatehouse-verified-by': 'fingerprint' });
    expect(live.verifiedBy).toBe('fingerprint');
    await request(session, '/rpc/ping', '', { ...json, 'gatehouse-verified-by': 'the stars' });
    expect(live.verifiedBy).toBe('none');
    expect(endpoint.log.begun.map(({ verifiedBy }) => verifiedBy)).toEqual(['fingerprint', 'none']);
  });

  it('names the certificate that it was made with', async () => {
    const { live } = await open();
    expect(live.facts.tls?.certificate.sha256).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('a change of the sessions', () => {
  it('is told when one begins, has a request, and ends, until nobody wants to know', async () => {
    const endpoint = new SampleEndpoint();
    opened.push(endpoint);
    const tell = vi.fn();
    const end = endpoint.sessions.onChange(tell);
    const { session } = await endpoint.openH2();
    await until(() => tell.mock.calls.length === 1);
    await request(session, '/rpc/ping', '');
    await until(() => tell.mock.calls.length === 3);
    session.destroy();
    await until(() => tell.mock.calls.length === 4);
    end();
    await endpoint.openH2();
    await until(() => endpoint.sessions.live().length === 1);
    expect(tell).toHaveBeenCalledTimes(4);
  });
});

describe('a session that the administrator ends', () => {
  const ended = new GatehouseError('session_ended', 'The administrator ended it.');

  it('ends alone, and what runs in it ends with its code', async () => {
    const { endpoint, session, live } = await open();
    await endpoint.openH2('berta');
    await until(() => endpoint.sessions.live().length === 2);
    const stream = startRequest(session, '/rpc/echo', octets);
    stream.write('still running');
    await until(() => live.bytesRead > 0);
    endpoint.sessions.end(live.facts.id, ended);
    expect(endpoint.sessions.live().map(({ facts }) => facts.clientId)).toEqual(['berta']);
    await until(() => endpoint.log.finished.length === 1);
    expect(endpoint.log.finished).toMatchObject([{ status: 'CANCELLED', errorCode: 'session_ended' }]);
  });

  it.each(['', 'x', '00000000-0000-0000-0000-000000000000'])('has to be there: not %j', async (id) => {
    const { endpoint } = await open();
    const end = (): void => endpoint.sessions.end(id, ended);
    expect(end).toThrow(expect.objectContaining({ code: 'session_unknown' }));
    expect(endpoint.sessions.live()).toHaveLength(1);
  });

  it('cannot be ended twice', async () => {
    const { endpoint, live } = await open();
    endpoint.sessions.end(live.facts.id, ended);
    const again = (): void => endpoint.sessions.end(live.facts.id, ended);
    expect(again).toThrow(expect.objectContaining({ code: 'session_unknown' }));
  });
});
