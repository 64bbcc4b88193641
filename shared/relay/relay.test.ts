// The relay whole, over real sockets: routing, who is let in, and what ends a connection.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatehouseError } from '../contracts/errors.ts';
import { encodePrefixed } from '../net/prefixed.ts';
import {
  connectClient,
  connectService,
  firstAnswer,
  makeTestIdentity,
  openStream,
  startTestRelay,
  WatchedStream,
} from '../testing/relay-peers.ts';
import type { TestPeer, TestRelay } from '../testing/relay-peers.ts';

let test: TestRelay;
let service: TestPeer;
let token: string;

beforeEach(async () => {
  test = await startTestRelay();
  const enrolment = await test.state.enrolmentTokens.mint();
  service = await connectService(test.url, { token: enrolment.token });
  token = (await test.state.clientTokens.mint('anna', null)).token;
});

afterEach(async () => {
  await test.stop();
});

describe('routing', () => {
  it('welcomes a client by the name of its token and joins its stream to the service', async () => {
    const client = await connectClient(test.url, token);
    expect([client.name, client.domain, service.domain]).toEqual(['anna', 'TEST', 'TEST']);
    const watched = openStream(client, { v: 1, kind: 'e2ee', serviceId: service.name });
    watched.stream.write(Buffer.from('opaque'));
    watched.stream.end();
    await watched.until(() => watched.ended);
    expect(watched.bytes.subarray(watched.first?.length).toString()).toBe('opaque');
    expect(await watched.closed).toBeNull();
  });

  it('sets clientId from the token, whatever the client says, and drops what it does not know', async () => {
    const client = await connectClient(test.url, token);
    const header = { v: 1, kind: 'plain', serviceId: service.name, clientId: 'root', admin: true };
    expect(await firstAnswer(client, header)).toEqual({
      v: 1,
      kind: 'plain',
      serviceId: service.name,
      clientId: 'anna',
    });
  });

  it('passes on bytes that came in the same frame as the header', async () => {
    const client = await connectClient(test.url, token);
    const stream = client.link.openStream();
    const joined = new WatchedStream(stream);
    const header = encodePrefixed({ v: 1, kind: 'e2ee', serviceId: service.name });
    stream.write(Buffer.concat([header, Buffer.from('early')]));
    await joined.until(() => joined.bytes.includes('early'));
    expect(joined.bytes.subarray(joined.first?.length).toString()).toBe('early');
  });

  it('moves 8 MiB through with every byte in place', async () => {
    const client = await connectClient(test.url, token);
    const watched = openStream(client, { v: 1, kind: 'e2ee', serviceId: service.name });
    const piece = Buffer.alloc(64 * 1024, 7);
    for (let index = 0; index < 128; index += 1) watched.stream.write(piece);
    watched.stream.end();
    await watched.until(() => watched.ended);
    expect(watched.received).toBe(128 * piece.length + (watched.first?.length ?? 0));
  });

  it('passes a reset on, from either side', async () => {
    const ends: (string | undefined)[] = [];
    const identity = makeTestIdentity();
    const enrolment = await test.state.enrolmentTokens.mint();
    await connectService(test.url, {
      identity,
      token: enrolment.token,
      onStream: (stream) => {
        stream.attach({
          data: (chunk) => {
            if (Buffer.from(chunk).includes('kill')) stream.reset();
          },
          end: () => undefined,
          sent: () => undefined,
          closed: (error) => ends.push(error?.code),
        });
      },
    });
    const client = await connectClient(test.url, token);
    const killed = openStream(client, { v: 1, kind: 'e2ee', serviceId: identity.serviceId });
    killed.stream.write(Buffer.from('kill'));
    expect((await killed.closed)?.code).toBe('stream_reset');
    const killer = openStream(client, { v: 1, kind: 'e2ee', serviceId: identity.serviceId });
    await new Promise((resolve) => setTimeout(resolve, 50));
    killer.stream.reset();
    await expect.poll(() => ends.length).toBe(2);
    expect(ends).toEqual(['stream_reset', 'stream_reset']);
  });

  it('ends the streams of a client whose connection is gone, at the service', async () => {
    const client = await connectClient(test.url, token);
    await firstAnswer(client, { v: 1, kind: 'e2ee', serviceId: service.name });
    expect(service.link.streamCount).toBe(1);
    client.channel.terminate(new GatehouseError('wire_closed', 'Gone.'));
    await expect.poll(() => service.link.streamCount).toBe(0);
  });

  it('resets a stream that a service opens', async () => {
    const watched = new WatchedStream(service.link.openStream());
    expect((await watched.closed)?.code).toBe('stream_reset');
    expect(service.link.closed).toBe(false);
  });
});

describe('refusals of a stream', () => {
  it.each([
    ['a service that is not there', { v: 1, kind: 'e2ee', serviceId: 'aaaa-bbbb-cccc' }, 'service_offline'],
    ['an id that is none', { v: 1, kind: 'e2ee', serviceId: '../../etc' }, 'service_offline'],
    ['kind device', { v: 1, kind: 'device', serviceId: 'SERVICE' }, 'not_authorised'],
    ['kind blob', { v: 1, kind: 'blob', serviceId: 'SERVICE' }, 'not_authorised'],
    ['an unknown kind', { v: 1, kind: 'ssh', serviceId: 'SERVICE' }, 'header_malformed'],
    ['another version', { v: 2, kind: 'e2ee', serviceId: 'SERVICE' }, 'header_malformed'],
    ['no object', [1, 2], 'header_malformed'],
    ['no id', { v: 1, kind: 'e2ee' }, 'header_malformed'],
  ])('answers %s with a code and goes on with the connection', async (_name, header, code) => {
    const client = await connectClient(test.url, token);
    const sent = JSON.parse(JSON.stringify(header).replace('SERVICE', service.name)) as unknown;
    expect(await firstAnswer(client, sent)).toMatchObject({ v: 1, ok: false, error: { code } });
    const good = { v: 1, kind: 'e2ee', serviceId: service.name };
    expect(await firstAnswer(client, good)).toMatchObject({ clientId: 'anna' });
  });

  it('keeps a token to the services that it was made for', async () => {
    const other = await test.state.clientTokens.mint('bob', ['aaaa-bbbb-cccc']);
    const client = await connectClient(test.url, other.token);
    const refused = await firstAnswer(client, { v: 1, kind: 'e2ee', serviceId: service.name });
    expect(refused).toMatchObject({ error: { code: 'not_authorised' } });
    const offline = await firstAnswer(client, { v: 1, kind: 'e2ee', serviceId: 'aaaa-bbbb-cccc' });
    expect(offline).toMatchObject({ error: { code: 'service_offline' } });
  });

  it('says that a service is offline as soon as it has gone', async () => {
    const client = await connectClient(test.url, token);
    service.link.close();
    await expect.poll(() => test.relay.online()).toEqual([]);
    const answer = await firstAnswer(client, { v: 1, kind: 'e2ee', serviceId: service.name });
    expect(answer).toMatchObject({ error: { code: 'service_offline', message: /not connected/ } });
  });
});

describe('client tokens', () => {
  it.each([
    ['none', undefined],
    ['an empty one', ' '],
    ['garbage', 'x'.repeat(300)],
    ['another id', 'ghr_aaaaaaaaaaaa_' + 'A'.repeat(43)],
    ['a path', 'ghr_../../../etc_' + 'A'.repeat(43)],
  ])('refuses %s before the upgrade', async (_name, wrong) => {
    await expect(connectClient(test.url, wrong)).rejects.toMatchObject({ code: 'not_authorised' });
  });

  it('refuses a token with one character changed, and an enrolment token', async () => {
    const flipped = token.slice(0, -1) + (token.endsWith('A') ? 'E' : 'A');
    await expect(connectClient(test.url, flipped)).rejects.toMatchObject({ code: 'not_authorised' });
    const enrolment = await test.state.enrolmentTokens.mint();
    await expect(connectClient(test.url, enrolment.token)).rejects.toMatchObject({ code: 'not_authorised' });
  });

  it('ends the connections of a revoked token within a second, and no others', async () => {
    const doomed = await test.state.clientTokens.mint('bob', null);
    const [bob, anna] = [await connectClient(test.url, doomed.token), await connectClient(test.url, token)];
    const running = openStream(bob, { v: 1, kind: 'e2ee', serviceId: service.name });
    await running.until(() => running.first !== undefined);
    const start = performance.now();
    await test.state.clientTokens.revoke(doomed.id);
    expect((await bob.closed).code).toBe('not_authorised');
    expect(performance.now() - start).toBeLessThan(1000);
    expect(anna.link.closed).toBe(false);
    await expect(connectClient(test.url, doomed.token)).rejects.toMatchObject({ code: 'not_authorised' });
  });

  it('lets nobody in by a corrupt record, tells the client no path, and everybody else goes on', async () => {
    const bad = await test.state.clientTokens.mint('bob', null);
    await writeFile(join(test.folder, 'client-tokens', `${bad.id}.json`), '{"hash":');
    const refusal = await connectClient(test.url, bad.token).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'internal' });
    expect(String(refusal)).not.toContain(test.folder);
    expect((await connectClient(test.url, token)).name).toBe('anna');
  });

  it('bounds the connections of one user, and frees the place of one that ends', async () => {
    const small = await startTestRelay({ limits: { maxConnectionsPerUser: 2 } });
    const { token: mine } = await small.state.clientTokens.mint('anna', null);
    const first = await connectClient(small.url, mine);
    await connectClient(small.url, mine);
    await expect(connectClient(small.url, mine)).rejects.toMatchObject({ code: 'limit_exceeded' });
    first.link.close();
    await expect
      .poll(() =>
        connectClient(small.url, mine).then(
          () => 'in',
          () => 'out',
        ),
      )
      .toBe('in');
    await small.stop();
  });
});

describe('services', () => {
  it('takes the connection of a service over when the same service connects again', async () => {
    const identity = makeTestIdentity();
    const { token: enrolmentToken } = await test.state.enrolmentTokens.mint();
    const first = await connectService(test.url, { identity, token: enrolmentToken });
    const second = await connectService(test.url, { identity });
    expect((await first.closed).code).toBe('service_replaced');
    expect(test.relay.online()).toContain(identity.serviceId);
    const client = await connectClient(test.url, token);
    expect(await firstAnswer(client, { v: 1, kind: 'e2ee', serviceId: second.name })).toMatchObject({ v: 1 });
  });

  it('puts a forgotten service out within a second', async () => {
    await test.state.services.forget(service.name);
    expect((await service.closed).code).toBe('not_authorised');
    await expect.poll(() => test.relay.online()).toEqual([]);
  });

  it('answers one stream too many to a service with a code', async () => {
    const small = await startTestRelay({ open: true, limits: { maxStreamsPerService: 2 } });
    const busy = await connectService(small.url);
    const client = await connectClient(small.url);
    const header = { v: 1, kind: 'e2ee', serviceId: busy.name };
    await firstAnswer(client, header);
    await firstAnswer(client, header);
    expect(await firstAnswer(client, header)).toMatchObject({ error: { code: 'limit_exceeded' } });
    await small.stop();
  });
});
