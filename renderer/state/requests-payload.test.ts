// Captured payloads made readable: JSON is indented, what was redacted is marked, and nothing is lost.
import { describe, expect, it } from 'vitest';
import type { CapturedPayload } from '../../shared/contracts/console/models.ts';
import { showPayload } from './requests-payload.ts';

const payload: CapturedPayload = {
  direction: 'request',
  contentType: 'application/json',
  text: '{"a":1}',
  base64: null,
  totalBytes: 7,
  truncated: false,
  redactions: 0,
};

describe('showPayload', () => {
  it('indents JSON', () => {
    expect(showPayload(payload)).toMatchObject({ form: 'json', text: '{\n  "a": 1\n}' });
  });

  it('leaves JSON that was cut off as it came', () => {
    expect(showPayload({ ...payload, text: '{"a":"x', truncated: true })).toMatchObject({
      form: 'text',
      text: '{"a":"x',
    });
  });

  it('leaves very long JSON as it came', () => {
    const text = JSON.stringify(Array.from({ length: 60_000 }, () => 10));
    expect(showPayload({ ...payload, text: text + ' '.repeat(30_000) }).form).toBe('text');
  });

  it('shows bytes that are no text as Base64', () => {
    expect(showPayload({ ...payload, text: null, base64: 'AAEC' })).toMatchObject({
      form: 'bytes',
      text: 'AAEC',
    });
  });

  it('marks each redacted value and nothing else', () => {
    const { pieces, text } = showPayload({
      ...payload,
      text: '{"password":"[redacted]","b":"[redacted] x"}',
    });
    expect(pieces.filter(({ redacted }) => redacted)).toHaveLength(2);
    expect(pieces.map((piece) => piece.text).join('')).toBe(text);
  });
});
