// How a service gets in: a proof bound to URL, nonce and id, a pinned key, and a token that works once.
import { sign } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatehouseError } from '../contracts/errors.ts';
import type { WebSocketChannel } from '../net/channel.ts';
import { dialWebSocket } from '../net/dial.ts';
import { enrolmentProof, nextOpening, relayPaths, sendOpening } from '../net/opening.ts';
import { connectService, makeTestIdentity, proveKey, startTestRelay } from '../testing/relay-peers.ts';
import type { Enrol, TestIdentity, TestRelay } from '../testing/relay-peers.ts';

let test: TestRelay;
let identity: TestIdentity;

beforeEach(async () => {
  test = await startTestRelay();
  identity = makeTestIdentity();
});

afterEach(async () => {
  await test.stop();
});

async function mint(life?: number): Promise<string> {
  return (await test.state.enrolmentTokens.mint(life)).token;
}

async function challenge(relay = test): Promise<{ channel: WebSocketChannel; nonce: string }> {
  const channel = await dialWebSocket(relay.url, relayPaths.service);
  return { channel, nonce: (await nextOpening(channel, 'challenge', 5000)).nonce };
}

/** What the relay says to an answer: `welcome`, or the code of its refusal. */
async function verdict(channel: WebSocketChannel, answer: Enrol): Promise<string> {
  sendOpening(channel, { type: 'enrol', v: 1, ...answer });
  try {
    return (await nextOpening(channel, 'welcome', 5000)).type;
  } catch (error) {
    return (error as GatehouseError).code;
  } finally {
    channel.close(new GatehouseError('wire_closed', 'Done.'));
  }
}

describe('the proof', () => {
  it('lets the holder of the key in, under the id that the key gives', async () => {
    const service = await connectService(test.url, { identity, token: await mint() });
    expect(service.name).toBe(identity.serviceId);
    expect(test.relay.online()).toEqual([identity.serviceId]);
  });

  it('has a fresh nonce on every connection, so that a proof cannot be used again', async () => {
    await connectService(test.url, { identity, token: await mint() });
    const [first, second] = [await challenge(), await challenge()];
    expect(first.nonce).not.toBe(second.nonce);
    const proof = proveKey(identity, test.url.origin, first.nonce);
    expect(await verdict(second.channel, proof)).toBe('not_authorised');
    expect(await verdict(first.channel, proof)).toBe('welcome');
  });

  it('cannot be passed on by a relay in the middle', async () => {
    const token = await mint();
    const { channel, nonce } = await challenge();
    const madeForTheMiddle = proveKey(identity, 'wss://middle.example', nonce, token);
    expect(await verdict(channel, madeForTheMiddle)).toBe('relay_url_mismatch');
    const again = await challenge();
    const relabelled = {
      ...proveKey(identity, 'wss://middle.example', again.nonce, token),
      url: test.url.origin,
    };
    expect(await verdict(again.channel, relabelled)).toBe('not_authorised');
  });

  const other = makeTestIdentity();
  const flip = (text: string): string => {
    const bytes = Buffer.from(text, 'base64url');
    bytes.writeUInt8(bytes.readUInt8(9) ^ 1, 9);
    return bytes.toString('base64url');
  };
  it.each<[string, string, (good: Enrol, nonce: string) => Enrol]>([
    ['a flipped signature', 'not_authorised', (good) => ({ ...good, signature: flip(good.signature) })],
    ['a flipped key', 'not_authorised', (good) => ({ ...good, publicKey: flip(good.publicKey) })],
    ["somebody else's key", 'not_authorised', (good) => ({ ...good, publicKey: other.publicKey })],
    ['a short signature', 'relay_protocol', (good) => ({ ...good, signature: good.signature.slice(0, 40) })],
    ['an empty signature', 'relay_protocol', (good) => ({ ...good, signature: '' })],
    ['a short key', 'relay_protocol', (good) => ({ ...good, publicKey: good.publicKey.slice(0, 40) })],
    [
      'another spelling of the key',
      'relay_protocol',
      (good) => ({ ...good, publicKey: good.publicKey + 'A' }),
    ],
    ['no base64url', 'relay_protocol', (good) => ({ ...good, publicKey: '!'.repeat(43) })],
    ['a huge URL', 'relay_protocol', (good) => ({ ...good, url: 'ws://127.0.0.1/'.padEnd(600, 'a') })],
    [
      'a proof for another id',
      'not_authorised',
      (good, nonce) => {
        const bytes = enrolmentProof(good.url, Buffer.from(nonce, 'base64url'), other.serviceId);
        return { ...good, signature: sign(null, bytes, identity.privateKey).toString('base64url') };
      },
    ],
    [
      'a proof without the label',
      'not_authorised',
      (good, nonce) => {
        const bytes = enrolmentProof(good.url, Buffer.from(nonce, 'base64url'), identity.serviceId).subarray(
          31,
        );
        return { ...good, signature: sign(null, bytes, identity.privateKey).toString('base64url') };
      },
    ],
  ])('is refused with %s: %s', async (_name, code, change) => {
    const { channel, nonce } = await challenge();
    const token = await mint();
    const good = proveKey(identity, test.url.origin, nonce, token);
    expect(await verdict(channel, change(good, nonce))).toBe(code);
    expect(test.relay.online()).toEqual([]);
    const after = await connectService(test.url, { identity, token });
    expect(after.name).toBe(identity.serviceId);
  });

  it('must come in time', async () => {
    const hasty = await startTestRelay({ open: true, limits: { openingTimeoutMs: 100 } });
    const { channel } = await challenge(hasty);
    await expect(nextOpening(channel, 'welcome', 5000)).rejects.toMatchObject({ code: 'timeout' });
    await hasty.stop();
  });

  it('may be under way on so many connections at once, and no more', async () => {
    const small = await startTestRelay({ open: true, limits: { maxPendingOpenings: 2 } });
    const first = await challenge(small);
    await challenge(small);
    await expect(challenge(small)).rejects.toMatchObject({ code: 'limit_exceeded' });
    expect(await verdict(first.channel, proveKey(identity, small.url.origin, first.nonce))).toBe('welcome');
    await expect
      .poll(() =>
        challenge(small).then(
          () => 'in',
          () => 'out',
        ),
      )
      .toBe('in');
    await small.stop();
  });
});

describe('enrolment', () => {
  it('needs a token, or an open relay, and then never again', async () => {
    await expect(connectService(test.url, { identity })).rejects.toMatchObject({ code: 'not_authorised' });
    await connectService(test.url, { identity, token: await mint() });
    await connectService(test.url, { identity });
    const open = await startTestRelay({ open: true });
    expect((await connectService(open.url, { identity })).name).toBe(identity.serviceId);
    await open.stop();
  });

  it('takes a token once', async () => {
    const token = await mint();
    await connectService(test.url, { identity, token });
    const second = connectService(test.url, { token });
    await expect(second).rejects.toMatchObject({ code: 'not_authorised' });
  });

  it('gives a token that eight services use at once to exactly one', async () => {
    const token = await mint();
    const tries = await Promise.allSettled(
      Array.from({ length: 8 }, () => connectService(test.url, { token })),
    );
    expect(tries.filter((each) => each.status === 'fulfilled')).toHaveLength(1);
    expect(await readdir(join(test.folder, 'services'))).toHaveLength(1);
  });

  it('does not use a token up for a service that has enrolled already', async () => {
    await connectService(test.url, { identity, token: await mint() });
    const token = await mint();
    await connectService(test.url, { identity, token });
    expect((await connectService(test.url, { token })).name).not.toBe(identity.serviceId);
  });

  it('refuses a token that has expired, is for clients, or is garbage', async () => {
    const { id, token } = await test.state.enrolmentTokens.mint();
    const file = join(test.folder, 'enrolment-tokens', `${id}.json`);
    const record = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(file, JSON.stringify({ ...record, expiresAt: new Date(Date.now() - 1).toJSON() }));
    const client = await test.state.clientTokens.mint('anna', null);
    for (const wrong of [token, client.token, 'ghe_', `ghe_${id}_${'A'.repeat(43)}`]) {
      await expect(connectService(test.url, { token: wrong })).rejects.toMatchObject({
        code: 'not_authorised',
      });
    }
  });

  it('never replaces a pinned key by another one under the same id', async () => {
    await test.state.services.pin(identity.serviceId, makeTestIdentity().publicKey);
    const token = await mint();
    await expect(connectService(test.url, { identity, token })).rejects.toMatchObject({
      code: 'service_id_taken',
    });
    expect((await connectService(test.url, { token })).name).not.toBe(identity.serviceId);
  });

  it('does not take a corrupt record for a missing one', async () => {
    await test.state.services.pin(identity.serviceId, identity.publicKey);
    await writeFile(join(test.folder, 'services', `${identity.serviceId}.json`), '{}');
    const token = await mint();
    await expect(connectService(test.url, { identity, token })).rejects.toMatchObject({ code: 'internal' });
    await connectService(test.url, { token });
  });
});
