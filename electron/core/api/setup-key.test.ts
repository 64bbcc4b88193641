// The set-up key: good once, for a time, and only as a whole.
import { describe, expect, it } from 'vitest';
import { SetupKey, setupKeyLifeMs } from './setup-key.ts';

describe('SetupKey', () => {
  it('has 128 bits, and no two are alike', () => {
    const texts = Array.from({ length: 50 }, () => SetupKey.make().text);
    expect(new Set(texts).size).toBe(50);
    for (const text of texts) expect(Buffer.from(text, 'base64url')).toHaveLength(16);
  });

  it('is good until it is used', () => {
    const { key, text } = SetupKey.make();
    expect(() => key.check(text)).not.toThrow();
    key.use();
    expect(() => key.check(text)).toThrow(expect.objectContaining({ code: 'setup_key_invalid' }));
  });

  it('is good for 15 minutes and not a moment longer', () => {
    let now = 5;
    const { key, text } = SetupKey.make(() => now);
    now += setupKeyLifeMs - 1;
    expect(() => key.check(text)).not.toThrow();
    now += 1;
    expect(() => key.check(text)).toThrow(expect.objectContaining({ code: 'setup_key_invalid' }));
  });

  const { key, text } = SetupKey.make();
  const flipped = `${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`;
  it.each([undefined, '', ' ', flipped, text.slice(1), `${text}A`, ` ${text}`, text.toUpperCase() + '!'])(
    'does not take %j for itself',
    (other) => {
      expect(() => key.check(other)).toThrow(expect.objectContaining({ code: 'setup_key_invalid' }));
    },
  );

  it('keeps its text nowhere', () => {
    const made = SetupKey.make();
    expect(JSON.stringify(made.key)).not.toContain(made.text);
  });
});
