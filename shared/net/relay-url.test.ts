// Which texts are a relay's URL, and which hosts are this machine itself.
import { describe, expect, it } from 'vitest';
import { isLoopbackHost, parseRelayUrl } from './dial.ts';

describe('parseRelayUrl', () => {
  it.each([
    ['wss://relay.example', 'wss://relay.example'],
    ['wss://relay.example/', 'wss://relay.example'],
    ['wss://relay.example:443', 'wss://relay.example'],
    ['wss://relay.example:8443', 'wss://relay.example:8443'],
    ['https://relay.example', 'wss://relay.example'],
    ['HTTPS://RELAY.example', 'wss://relay.example'],
    ['  wss://relay.example\n', 'wss://relay.example'],
    ['ws://localhost:8080', 'ws://localhost:8080'],
    ['ws://LOCALHOST', 'ws://localhost'],
    ['http://127.0.0.1:8080', 'ws://127.0.0.1:8080'],
    ['ws://127.1', 'ws://127.0.0.1'],
    ['ws://[::1]:8080', 'ws://[::1]:8080'],
    ['wss://[2001:DB8::1]', 'wss://[2001:db8::1]'],
  ])('takes %j as %s', (text, canonical) => {
    const url = parseRelayUrl(text);
    expect([url.origin, url.href]).toEqual([canonical, `${canonical}/`]);
  });

  it.each([
    ['', 'no URL'],
    ['relay.example', 'no URL'],
    ['//relay.example', 'no URL'],
    ['wss://', 'no URL'],
    ['wss://relay example', 'no URL'],
    ['wss://relay.example:99999', 'no URL'],
    ['ftp://relay.example', 'starts with wss://'],
    ['javascript:alert(1)', 'starts with wss://'],
    ['file:///etc/passwd', 'starts with wss://'],
    ['wss://user@relay.example', 'nothing else'],
    ['wss://:secret@relay.example', 'nothing else'],
    ['wss://relay.example/path', 'nothing else'],
    ['wss://relay.example/?token=secret', 'nothing else'],
    ['wss://relay.example/?', 'nothing else'],
    ['wss://relay.example/#secret', 'nothing else'],
    ['wss://relay.example/#', 'nothing else'],
    ['ws://relay.example', 'loopback alone'],
    ['http://relay.example', 'loopback alone'],
    ['ws://10.0.0.1', 'loopback alone'],
    ['ws://0.0.0.0', 'loopback alone'],
    ['ws://localhost.example', 'loopback alone'],
    ['ws://127.0.0.1.example', 'loopback alone'],
    ['ws://[::2]', 'loopback alone'],
  ])('refuses %j', (text, why) => {
    const expected = { code: 'usage', message: expect.stringContaining(why) as string };
    expect(() => parseRelayUrl(text)).toThrow(expect.objectContaining(expected));
  });

  it.each([
    'wss://user:hunter2@[bad',
    'wss://user:hunter2@relay.example',
    'wss://relay example/?token=hunter2',
  ])('repeats no secret of %j in its error, nor in the cause of that', (text) => {
    let error: unknown = null;
    try {
      parseRelayUrl(text);
    } catch (thrown) {
      error = thrown;
    }
    const { message, cause } = error as Error;
    expect(
      message + JSON.stringify(cause ?? null) + String((cause as Error | undefined)?.message),
    ).not.toContain('hunter2');
    expect((cause as { input?: string } | undefined)?.input).toBeUndefined();
  });
});

describe('isLoopbackHost', () => {
  it.each(['localhost', '127.0.0.1', '127.255.255.254', '::1', '[::1]'])('knows %s', (host) => {
    expect(isLoopbackHost(host)).toBe(true);
  });

  it.each([
    '',
    '0.0.0.0',
    '::',
    '[::]',
    '128.0.0.1',
    '127.0.0.1.example',
    'localhost.',
    'my-localhost',
    '::ffff:10.0.0.1',
    '1::1',
  ])('does not take %j for it', (host) => {
    expect(isLoopbackHost(host)).toBe(false);
  });
});
