// Requests that mean one thing to one reader and another to the next: none of them reaches a service, and none leaves a
// second request behind on the connection.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiWorld, fingerprint, paths } from '../../testing/api-world.ts';

let world: ApiWorld;

beforeEach(async () => {
  world = await ApiWorld.start();
});

afterEach(() => world.stop());

async function send(lines: readonly string[], body: string): Promise<string> {
  const head = [
    `POST /s/${world.service.name}${paths.start} HTTP/1.1`,
    `host: ${world.test.url.host}`,
    `authorization: Bearer ${world.issuer.token()}`,
    `device: ${fingerprint}`,
    ...lines,
  ];
  const { socket, answer } = world.dial(`${head.join('\r\n')}\r\n\r\n${body}`);
  setTimeout(() => socket.end(), 300);
  return answer;
}

const hidden = `GET /s/aaaa-bbbb-cccc${paths.agentinfo} HTTP/1.1\r\nhost: x\r\n\r\n`;

describe('a smuggled request', () => {
  it.each([
    ['a length and chunks', ['content-length: 5', 'transfer-encoding: chunked'], `0\r\n\r\n${hidden}`],
    ['chunks and a length', ['transfer-encoding: chunked', 'content-length: 5'], `0\r\n\r\n${hidden}`],
    ['two lengths', ['content-length: 0', `content-length: ${hidden.length}`], hidden],
    ['two lengths in one', [`content-length: 0, ${hidden.length}`], hidden],
    ['a length below nothing', ['content-length: -1'], hidden],
    ['a length with a sign', ['content-length: +5'], 'hello'],
    ['chunks of a strange name', ['transfer-encoding: xchunked'], `0\r\n\r\n${hidden}`],
    ['chunks that are not last', ['transfer-encoding: chunked, identity'], `0\r\n\r\n${hidden}`],
    ['a space before the colon', ['transfer-encoding : chunked'], `0\r\n\r\n${hidden}`],
    ['a bare line feed in a header', ['x: a\ntransfer-encoding: chunked'], `0\r\n\r\n${hidden}`],
    ['a NUL in a header', ['x: a\0b'], ''],
    ['a chunk size that overflows', ['transfer-encoding: chunked'], `fffffffffffffffff\r\n${hidden}`],
    ['a chunk size that is none', ['transfer-encoding: chunked'], `0x5\r\nhello\r\n0\r\n\r\n`],
  ])('with %s is refused and ends the connection', async (_name, lines, body) => {
    const answer = await send(lines, body);
    expect(answer.match(/^HTTP\/1\.1 /gm) ?? []).toHaveLength(1);
    expect(answer).toMatch(/^HTTP\/1\.1 (400|408|413|502) /);
    for (const call of world.calls) await expect(call.body).rejects.toThrow();
  });

  it('behind a good one is judged by itself', async () => {
    const answer = await send(['content-length: 2'], `hi${hidden}`);
    const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    expect(statuses).toEqual(['200', '421']);
    expect(world.calls).toHaveLength(1);
  });
});
