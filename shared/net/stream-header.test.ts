// Stream headers and answers: what is understood, and that everything else has a code.
import { describe, expect, it } from 'vitest';
import {
  encodeStreamAnswer,
  encodeStreamHeader,
  parseStreamAnswer,
  parseStreamHeader,
} from './stream-header.ts';

const valid = { v: 1, kind: 'e2ee', serviceId: 'abcd-efgh-ijkl' } as const;
const jsonOf = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes.subarray(2)).toString());

describe('a stream header', () => {
  it.each(['e2ee', 'plain', 'device', 'blob'] as const)('of kind %s is understood', (kind) => {
    const header = { ...valid, kind, clientId: 'me@example.com' };
    expect(parseStreamHeader(jsonOf(encodeStreamHeader(header)))).toEqual(header);
  });

  it('loses what this version does not know', () => {
    expect(parseStreamHeader({ ...valid, admin: true, __proto__: { x: 1 } })).toEqual(valid);
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['text', 'e2ee'],
    ['a list', [valid]],
    ['nothing', {}],
    ['another version', { ...valid, v: 2 }],
    ['a version as text', { ...valid, v: '1' }],
    ['an unknown kind', { ...valid, kind: 'root' }],
    ['no service', { v: 1, kind: 'e2ee' }],
    ['a service that is no text', { ...valid, serviceId: 7 }],
    ['a service of 257 characters', { ...valid, serviceId: 'x'.repeat(257) }],
    ['a client that is no text', { ...valid, clientId: { user: 'x' } }],
    ['a client of 257 characters', { ...valid, clientId: 'x'.repeat(257) }],
  ])('that is %s is refused', (_name, json) => {
    expect(() => parseStreamHeader(json)).toThrow(expect.objectContaining({ code: 'header_malformed' }));
  });
});

describe('a stream answer', () => {
  it('of "go on" is silent', () => {
    expect(() => parseStreamAnswer(jsonOf(encodeStreamAnswer()))).not.toThrow();
  });

  it('of refusal is thrown with its code and message', () => {
    const refusal = { code: 'service_offline', message: 'It is not connected.' } as const;
    expect(() => parseStreamAnswer(jsonOf(encodeStreamAnswer(refusal)))).toThrow(
      expect.objectContaining(refusal),
    );
  });

  it('carries code and message alone, cut to what the other end takes', () => {
    const refusal = { code: 'internal', message: 'm'.repeat(5000), details: { path: '/secret' } } as const;
    const json = jsonOf(encodeStreamAnswer(refusal));
    expect(json).toEqual({ v: 1, ok: false, error: { code: 'internal', message: 'm'.repeat(1024) } });
    expect(() => parseStreamAnswer(json)).toThrow(expect.objectContaining({ code: 'internal' }));
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['nothing', {}],
    ['another version', { v: 2, ok: true }],
    ['yes as text', { v: 1, ok: 'true' }],
    ['a refusal without an error', { v: 1, ok: false }],
    ['a refusal whose message is no text', { v: 1, ok: false, error: { code: 'timeout', message: 1 } }],
    ['a refusal of an unknown code', { v: 1, ok: false, error: { code: 'toString', message: 'x' } }],
    [
      'a refusal of 1025 characters',
      { v: 1, ok: false, error: { code: 'timeout', message: 'x'.repeat(1025) } },
    ],
  ])('that is %s is relay_protocol', (_name, json) => {
    expect(() => parseStreamAnswer(json)).toThrow(expect.objectContaining({ code: 'relay_protocol' }));
  });
});
