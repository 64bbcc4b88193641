// The service's connection to a relay that does as a script says: it proves its key for this relay and this nonce
// alone, tells every refusal by its code, tries again with growing waits, and stops at any time leaving nothing.
import { createPublicKey, verify } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { listenAsRelay, say } from '../../../shared/testing/scripted-relay.ts';
import type { ScriptedConnection } from '../../../shared/testing/scripted-relay.ts';
import { newIdentityKey, openIdentity } from '../secrets/identity.ts';
import { RelayLink } from './relay-link.ts';
import type { RelayLinkOptions, RelayState } from './relay-link.ts';

const identity = openIdentity(newIdentityKey());
const nonce = Buffer.alloc(32, 7).toString('base64url');
const challenge = { type: 'challenge', v: 1, nonce };
const welcome = { type: 'welcome', v: 1, domain: 'PROD', serviceId: identity.serviceId };
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  vi.restoreAllMocks();
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function accept({ ws }: ScriptedConnection): void {
  say(ws, challenge);
  ws.once('message', () => say(ws, welcome));
}

function makeLink(relay: URL, more: Partial<RelayLinkOptions> = {}) {
  const states: RelayState[] = [];
  const link = new RelayLink({
    relay,
    identity,
    onStream: vi.fn(),
    onState: (state) => states.push(state),
    ...more,
  });
  cleanUps.push(() => link.stop());
  link.start();
  const reached = (state: RelayState['state']): Promise<unknown> =>
    vi.waitFor(() => expect(states.map((each) => each.state)).toContain(state), { timeout: 3_000 });
  const offline = () => states.filter((each) => each.state === 'offline');
  return { link, states, reached, offline };
}

describe('the opening', () => {
  it('proves the key for this URL, nonce and id, and for no other', async () => {
    const { url, connections } = await listenAsRelay(accept);
    const { states, reached } = makeLink(url, { enrolmentToken: 'ghe_x' });
    await reached('online');
    expect(states[1]).toMatchObject({ state: 'online', domainName: 'PROD' });
    const { received, path } = connections[0]!;
    const enrol = received[0] as Record<string, string>;
    expect(path).toBe('/v1/service');
    expect(enrol).toMatchObject({ type: 'enrol', v: 1, url: url.origin, enrolmentToken: 'ghe_x' });
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: enrol.publicKey! }, format: 'jwk' });
    const signature = Buffer.from(enrol.signature!, 'base64url');
    const signed = (origin: string, bytes: Buffer, id: string): Buffer => {
      const length = Buffer.from([origin.length >> 8, origin.length & 0xff]);
      const parts = ['gatehouse service enrolment v1\0', length, origin, bytes, id];
      return Buffer.concat(parts.map((part) => Buffer.from(part as string)));
    };
    const right = [url.origin, Buffer.alloc(32, 7), identity.serviceId] as const;
    expect(verify(null, signed(...right), key, signature)).toBe(true);
    expect(verify(null, signed('ws://127.0.0.1:1', right[1], right[2]), key, signature)).toBe(false);
    expect(verify(null, signed(right[0], Buffer.alloc(32, 8), right[2]), key, signature)).toBe(false);
    expect(verify(null, signed(right[0], right[1], 'aaaa-aaaa-aaaa'), key, signature)).toBe(false);
  });

  const refused = (code: string): unknown => ({ type: 'refused', v: 1, error: { code, message: 'No.' } });
  it.each([
    [
      'a nonce of 31 bytes',
      { ...challenge, nonce: Buffer.alloc(31).toString('base64url') },
      'relay_protocol',
    ],
    ['no nonce', { ...challenge, nonce: '' }, 'relay_protocol'],
    ['another version', { ...challenge, v: 2 }, 'relay_protocol'],
    ['welcome at once', welcome, 'relay_protocol'],
    ['a list', [], 'relay_protocol'],
    ['not_authorised', refused('not_authorised'), 'not_authorised'],
    ['service_id_taken', refused('service_id_taken'), 'service_id_taken'],
    ['a code that is none', refused('rm -rf'), 'relay_protocol'],
  ])('that gets %s ends with a code, and nothing is signed', async (_what, message, code) => {
    const { url, connections } = await listenAsRelay(({ ws }) => say(ws, message));
    const { reached, offline } = makeLink(url);
    await reached('offline');
    expect(offline()[0]).toMatchObject({ cause: { code } });
    expect(connections[0]?.received).toEqual([]);
  });

  it('that gets silence, or is closed, is over in time', async () => {
    const silent = await listenAsRelay(() => undefined);
    const closing = await listenAsRelay(({ ws }) => ws.close());
    const first = makeLink(silent.url, { openingTimeoutMs: 50 });
    const second = makeLink(closing.url);
    await Promise.all([first.reached('offline'), second.reached('offline')]);
    expect(first.offline()[0]).toMatchObject({ cause: { code: 'relay_unreachable' } });
    expect(second.offline()[0]).toMatchObject({ cause: { code: 'wire_closed' } });
  });
});

describe('the wait before the next try', () => {
  it('grows with each failure, and retryNow cuts it short', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.99);
    const { url, close } = await listenAsRelay(() => undefined);
    close();
    const { link, offline } = makeLink(url);
    for (let failure = 1; failure <= 4; failure += 1) {
      await vi.waitFor(() => expect(offline()).toHaveLength(failure));
      await new Promise(setImmediate);
      link.retryNow();
    }
    expect(offline().map((state) => state.retryInMs)).toEqual([495, 990, 1980, 3960]);
    expect(offline()[0]?.cause.code).toBe('relay_unreachable');
  });

  it('is longer after a refusal that lasts', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const waits: number[] = [];
    for (const code of ['not_authorised', 'service_id_taken', 'relay_url_mismatch', 'limit_exceeded']) {
      const { url } = await listenAsRelay(({ ws }) =>
        say(ws, { type: 'refused', v: 1, error: { code, message: 'No.' } }),
      );
      const { link, reached, offline } = makeLink(url);
      await reached('offline');
      waits.push(offline()[0]?.retryInMs ?? -1);
      await link.stop();
    }
    expect(waits).toEqual([5_000, 5_000, 5_000, 0]);
  });

  it('begins anew once a connection has lasted', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5);
    const start = Date.now();
    const now = vi.spyOn(Date, 'now').mockReturnValue(start);
    const { url, connections } = await listenAsRelay((connection, index) => {
      if (index < 2) connection.ws.close();
      else accept(connection);
    });
    const { link, reached, offline } = makeLink(url);
    for (const failures of [1, 2]) {
      await vi.waitFor(() => expect(offline()).toHaveLength(failures));
      await new Promise(setImmediate);
      link.retryNow();
    }
    await reached('online');
    now.mockReturnValue(start + 10_001);
    connections[2]?.ws.terminate();
    await vi.waitFor(() => expect(offline()).toHaveLength(3));
    expect(offline().map((state) => state.retryInMs)).toEqual([250, 500, 250]);
  });
});

describe('a relay that is gone', () => {
  it('is dialled again by itself', async () => {
    const { url, connections } = await listenAsRelay(accept);
    const { states, reached } = makeLink(url);
    await reached('online');
    connections[0]?.ws.terminate();
    await vi.waitFor(() => expect(connections).toHaveLength(2), { timeout: 3_000 });
    await vi.waitFor(() => expect(states.filter((each) => each.state === 'online')).toHaveLength(2));
  });
});

describe('stop', () => {
  const dead = (): Promise<{ url: URL }> => Promise.resolve({ url: new URL('ws://127.0.0.1:1') });
  it.each([
    ['while it dials', () => listenAsRelay(() => undefined), 0],
    ['while the relay is silent in the opening', () => listenAsRelay(() => undefined), 1],
    ['while it waits for the welcome', () => listenAsRelay(({ ws }) => say(ws, challenge)), 1],
    ['while it is online', () => listenAsRelay(accept), 1],
    ['while it waits to try again', dead, null],
  ])('%s is done at once and is the last that is told', async (_what, relay, connections) => {
    const scripted = await relay();
    const { link, states, reached } = makeLink(scripted.url);
    if (connections === null) await reached('offline');
    else if ('connections' in scripted && connections > 0) {
      await vi.waitFor(() => expect(scripted.connections).toHaveLength(connections));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const start = Date.now();
    await link.stop();
    expect(Date.now() - start).toBeLessThan(500);
    const told = states.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(states.at(-1)).toEqual({ state: 'stopped' });
    expect(states).toHaveLength(told);
    expect(await link.ping()).toBeNull();
  });
});
