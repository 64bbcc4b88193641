import { describe, expect, it } from 'vitest';
import { makeRedaction, redactText } from './redaction.ts';
import { secretSamples, sampleSecret, sampleToken } from './capture-samples.ts';

const none = makeRedaction([]);

describe('what is always taken out', () => {
  it.each(secretSamples)('$name', ({ text, rules }) => {
    const { text: redacted, redactions } = redactText(text, '', makeRedaction(rules ?? []));
    expect(redacted).not.toContain(sampleSecret);
    expect(redacted).not.toContain(sampleToken);
    expect(redactions).toBeGreaterThan(0);
  });

  it.each(secretSamples)('$name, cut anywhere', ({ text, rules }) => {
    const redaction = makeRedaction(rules ?? []);
    const piece = sampleSecret.slice(0, 4);
    for (let length = 0; length <= text.length; length += 1) {
      const { text: redacted } = redactText(text.slice(0, length), text.slice(length), redaction);
      expect(redacted, `cut at ${length}`).not.toContain(piece);
      if (rules !== undefined) continue;
      expect(redactText(text.slice(0, length), '', redaction).text, `ends at ${length}`).not.toContain(piece);
    }
  });
});

describe('what stays', () => {
  it.each([
    ['{"user":"anna","tokenId":"abc","monkey":"banana","keyboard":"de","secretary":"eva"}'],
    ['{"a":"","password":""}'],
    ['GET /index.html HTTP/1.1\r\nhost: example.org\r\n\r\n'],
    ['[1,2.5,null,true,{"deep":[{"er":"x"}]}]'],
    ['{"pong":true,"serverTime":1790000000000}'],
    ['Zażółć gęślą jaźń 日本語 😀'],
  ])('%s', (text) => {
    expect(redactText(text, '', none)).toEqual({ text, redactions: 0 });
  });
});

describe('what stands in its place', () => {
  it.each([
    ['{"password":"x","n":1}', '{"password":"[redacted]","n":1}'],
    ['{"password":12,"n":1}', '{"password":"[redacted]","n":1}'],
    ['{"key":{"a":[1,"}"]},"n":1}', '{"key":"[redacted]","n":1}'],
    ['{"d":"{\\"token\\":5}"}', '{"d":"{\\"token\\":\\"[redacted]\\"}"}'],
    ['user=a&password=b&c=d', 'user=a&password=[redacted]&c=d'],
    ['authorization: Bearer x y\r\nhost: z', 'authorization: [redacted]\r\nhost: z'],
  ])('%s becomes %s', (text, redacted) => {
    expect(redactText(text, '', none)).toEqual({ text: redacted, redactions: 1 });
  });

  it('is JSON where it was JSON, at any depth', () => {
    const value = { a: [{ b: JSON.stringify({ c: JSON.stringify({ secret: 'x"y\\', d: 1 }) }) }] };
    const { text } = redactText(JSON.stringify(value), '', none);
    const outer = JSON.parse(text) as typeof value;
    const inner = JSON.parse(outer.a[0]?.b ?? '') as { c: string };
    expect(JSON.parse(inner.c)).toEqual({ secret: '[redacted]', d: 1 });
  });
});
