// The opening exchange over real sockets: the right message, and everything that is not it.
import { describe, expect, it, vi } from 'vitest';
import { GatehouseError } from '../contracts/errors.ts';
import { openChannels, openWithClient } from '../testing/socket-pair.ts';
import { enrolmentProof, nextOpening, refuseOpening, sendOpening } from './opening.ts';

const challenge = { type: 'challenge', v: 1, nonce: 'AAAA' } as const;
const welcome = { type: 'welcome', v: 1, domain: 'PROD' } as const;

describe('nextOpening', () => {
  it('gives the message that is waited for, whether it comes early or late', async () => {
    const { channel, peer } = await openChannels();
    sendOpening(peer, challenge);
    await expect(nextOpening(channel, 'challenge', 1000)).resolves.toEqual(challenge);
    const next = nextOpening(channel, 'welcome', 1000);
    sendOpening(peer, welcome);
    await expect(next).resolves.toEqual(welcome);
  });

  it('gives two messages that come together to two waits', async () => {
    const { channel, peer, ws } = await openChannels();
    let messages = 0;
    ws.on('message', () => (messages += 1));
    sendOpening(peer, challenge);
    sendOpening(peer, welcome);
    await vi.waitFor(() => expect(messages).toBe(2));
    await expect(nextOpening(channel, 'challenge', 1000)).resolves.toEqual(challenge);
    await expect(nextOpening(channel, 'welcome', 1000)).resolves.toEqual(welcome);
  });

  it('throws what the other end refuses with', async () => {
    const { channel, peer } = await openChannels();
    const next = nextOpening(channel, 'welcome', 1000);
    refuseOpening(peer, { code: 'service_id_taken', message: 'Another key has it.' });
    const refusal = { code: 'service_id_taken', message: 'Another key has it.' };
    await expect(next).rejects.toThrow(expect.objectContaining(refusal));
  });

  it('throws the refusal too where it and the end of the connection came before the wait', async () => {
    const { channel, peer } = await openChannels();
    refuseOpening(peer, { code: 'not_authorised', message: 'No.' });
    await new Promise<void>((resolve) => void channel.onClosed(() => resolve()));
    await expect(nextOpening(channel, 'welcome', 1000)).rejects.toThrow(
      expect.objectContaining({ code: 'not_authorised', message: 'No.' }),
    );
  });

  it.each<[string, string]>([
    ['another type', JSON.stringify(welcome)],
    ['no JSON', '{'],
    ['null', 'null'],
    ['an unknown type', '{"type":"hello","v":1}'],
    ['another version', '{"type":"challenge","v":2,"nonce":"AAAA"}'],
    ['a nonce that is no base64url', '{"type":"challenge","v":1,"nonce":"A+/="}'],
    ['a nonce that is too long', JSON.stringify({ ...challenge, nonce: 'A'.repeat(65) })],
    ['a refusal of an unknown code', '{"type":"refused","v":1,"error":{"code":"constructor","message":"x"}}'],
  ])('throws relay_protocol on %s', async (_name, text) => {
    const { channel, peer } = await openWithClient();
    peer.send(text);
    await expect(nextOpening(channel, 'challenge', 1000)).rejects.toThrow(
      expect.objectContaining({ code: 'relay_protocol' }),
    );
  });

  it('throws relay_unreachable on silence, and leaves the channel to its owner', async () => {
    const { channel, peer } = await openChannels();
    await expect(nextOpening(channel, 'challenge', 30)).rejects.toThrow(
      expect.objectContaining({ code: 'relay_unreachable' }),
    );
    sendOpening(peer, challenge);
    await expect(nextOpening(channel, 'challenge', 1000)).resolves.toEqual(challenge);
  });

  it('throws why the connection ended', async () => {
    const { channel, peer } = await openChannels();
    const next = nextOpening(channel, 'challenge', 1000);
    peer.close(new GatehouseError('shutting_down', 'Bye.'));
    await expect(next).rejects.toThrow(expect.objectContaining({ code: 'shutting_down' }));
  });
});

describe('the enrolment proof', () => {
  it('is label, URL with its length, nonce and id, byte by byte', () => {
    const proof = enrolmentProof('wss://r', Buffer.of(1, 2), 'abcd');
    expect(Buffer.from(proof)).toEqual(
      Buffer.concat([
        Buffer.from('gatehouse service enrolment v1\0\0\x07wss://r'),
        Buffer.of(1, 2),
        Buffer.from('abcd'),
      ]),
    );
  });

  it('differs where any part differs, and where bytes move from one part to the next', () => {
    const nonce = Buffer.alloc(32);
    const proofs = [
      enrolmentProof('wss://a', nonce, 'id'),
      enrolmentProof('wss://b', nonce, 'id'),
      enrolmentProof('wss://a', Buffer.alloc(32, 1), 'id'),
      enrolmentProof('wss://a', nonce, 'ie'),
      enrolmentProof('wss://a\0', nonce.subarray(1), 'id'),
    ].map((proof) => Buffer.from(proof).toString('hex'));
    expect(new Set(proofs).size).toBe(proofs.length);
  });
});
