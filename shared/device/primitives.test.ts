// Calls of AES-GCM at the same time: each has its own nonce and associated data, though all share one parameters object.
import { describe, expect, it } from 'vitest';
import { u32, u64, concat, type Bytes } from './bytes.ts';
import { aesKey, openGcm, randomBytes, sealGcm } from './primitives.ts';

const nonceOf = (at: number): Bytes => concat(new Uint8Array(4), u64(at));

describe('an AES-GCM call', () => {
  it('takes no other call’s nonce or associated data', async () => {
    const key = (await aesKey(randomBytes(32)))!;
    const places = Array.from({ length: 64 }, (_, at) => at);
    const text = randomBytes(20_000);
    const sealed = await Promise.all(places.map((at) => sealGcm(key, nonceOf(at), u32(at), text)));
    const opened = await Promise.all(
      places.map((at) => openGcm(key, nonceOf(at), u32(at), sealed[at] ?? new Uint8Array())),
    );
    for (const plaintext of opened) expect(plaintext).toEqual(text);
    const moved = places.map((at) => openGcm(key, nonceOf(at), u32(at), sealed[(at + 1) % 64]!));
    expect(await Promise.all(moved)).toEqual(places.map(() => null));
  });

  it('is not touched by what happens to its arguments once it has returned', async () => {
    const key = (await aesKey(randomBytes(32)))!;
    const [nonce, data, text] = [nonceOf(1), u32(7), randomBytes(100)];
    const sealing = sealGcm(key, nonce, data, text);
    const before = text.slice();
    for (const bytes of [nonce, data, text]) bytes.fill(0xff);
    const sealed = (await sealing)!;
    expect(await openGcm(key, nonceOf(1), u32(7), sealed)).toEqual(before);
  });
});
