// What is taken as a request, and what is not: a request id has one form, so that no two texts are one id.
import { expect, it } from 'vitest';
import { base64url, utf8 } from './bytes.ts';
import { decodeRequest, newRequestId } from './payload.ts';

const withId = (RequestId: unknown): unknown =>
  decodeRequest(utf8(JSON.stringify({ PayloadType: 'ping', Payload: null, RequestId })));

it('a request id is sixteen bytes in their one unpadded base64url form', () => {
  for (const fill of [0, 0x7f, 0xff]) {
    const requestId = base64url(new Uint8Array(16).fill(fill));
    expect(withId(requestId)).toEqual({ payloadType: 'ping', payload: null, requestId });
  }
  for (let at = 0; at < 100; at += 1) expect(withId(newRequestId())).not.toBeNull();
});

it.each([
  ['none', undefined],
  ['a number', 7],
  ['fifteen bytes', base64url(new Uint8Array(15))],
  ['seventeen bytes', base64url(new Uint8Array(17))],
  ['padded', `${'A'.repeat(22)}==`],
  ['bits behind the last byte', `${'A'.repeat(21)}B`],
  ['the other alphabet', `${'+'.repeat(21)}A`],
  ['a line behind it', `${'A'.repeat(22)}\n`],
])('%s is no request id', (_name, requestId) => {
  expect(withId(requestId)).toBeNull();
});
