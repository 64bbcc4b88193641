// Tables of what a relay answers to: Host, Origin, the URL of a proof, and what it does not start with.
import { describe, expect, it } from 'vitest';
import { parseListenAddress, RelayAddress } from './address.ts';
import type { AddressOptions } from './address.ts';

function address(options: Partial<AddressOptions> & { at?: string } = {}): RelayAddress {
  const { at = '127.0.0.1:8080', ...rest } = options;
  return new RelayAddress({ listen: parseListenAddress(at), tls: false, open: false, ...rest });
}

const loopback = address();
const tlsLoopback = address({ tls: true });
const specific = address({ at: '192.0.2.5:443', tls: true });
const proxied = address({ publicUrl: 'https://relay.example' });
const proxiedPort = address({ publicUrl: 'wss://relay.example:8443' });

describe('Host', () => {
  it.each<[RelayAddress, string | undefined, boolean]>([
    [loopback, '127.0.0.1:8080', true],
    [loopback, '127.0.0.1:9', true],
    [loopback, '127.9.9.9', true],
    [loopback, 'localhost:8080', true],
    [loopback, 'LOCALHOST:8080', true],
    [loopback, '[::1]:8080', true],
    [loopback, undefined, false],
    [loopback, '', false],
    [loopback, 'evil.example:8080', false],
    [loopback, '127.0.0.1.evil.example', false],
    [loopback, 'localhost.evil.example', false],
    [loopback, 'localhost.', false],
    [loopback, '192.0.2.5:8080', false],
    [loopback, '0.0.0.0:8080', false],
    [loopback, '[::ffff:127.0.0.1]:8080', false],
    [loopback, 'evil.example@127.0.0.1', false],
    [loopback, '127.0.0.1/evil', false],
    [loopback, '127.0.0.1, evil.example', false],
    [loopback, '127.0.0.1:99999', false],
    [specific, '192.0.2.5', true],
    [specific, '192.0.2.5:8443', true],
    [specific, '192.0.2.6', false],
    [specific, 'localhost', false],
    [proxied, 'relay.example', true],
    [proxied, 'relay.example:443', true],
    [proxied, 'RELAY.example', true],
    [proxied, 'relay.example:8443', false],
    [proxied, 'relay.example.evil', false],
    [proxied, '127.0.0.1:8080', false],
    [proxiedPort, 'relay.example:8443', true],
    [proxiedPort, 'relay.example', false],
  ])('case %#: %o with Host %s is accepted: %s', (relay, host, accepted) => {
    expect(relay.acceptsHost(host)).toBe(accepted);
  });
});

describe('Origin', () => {
  it.each<[RelayAddress, string, string | undefined, boolean]>([
    [loopback, '127.0.0.1:8080', undefined, true],
    [loopback, '127.0.0.1:8080', 'http://127.0.0.1:8080', true],
    [loopback, '127.0.0.1:8080', 'http://localhost:8080', false],
    [loopback, '127.0.0.1:8080', 'http://127.0.0.1:3000', false],
    [loopback, '127.0.0.1:8080', 'https://127.0.0.1:8080', false],
    [loopback, '127.0.0.1:8080', 'https://evil.example', false],
    [loopback, '127.0.0.1:8080', 'null', false],
    [loopback, '127.0.0.1:8080', '', false],
    [loopback, '127.0.0.1:8080', 'http://127.0.0.1:8080.evil.example', false],
    [tlsLoopback, 'localhost:8080', 'https://localhost:8080', true],
    [tlsLoopback, 'localhost:8080', 'http://localhost:8080', false],
    [proxied, 'relay.example', 'https://relay.example', true],
    [proxied, 'relay.example:443', 'https://relay.example', true],
    [proxied, 'relay.example', 'http://relay.example', false],
    [proxied, 'relay.example', 'https://relay.example:8443', false],
  ])('case %#: %o at Host %s with Origin %s is accepted: %s', (relay, host, origin, accepted) => {
    expect(relay.acceptsOrigin(origin, host)).toBe(accepted);
  });
});

describe('the URL of a proof', () => {
  it.each<[RelayAddress, string, boolean]>([
    [loopback, 'ws://127.0.0.1:8080', true],
    [loopback, 'ws://localhost:1', true],
    [loopback, 'ws://[::1]:8080', true],
    [loopback, 'wss://127.0.0.1:8080', false],
    [loopback, 'wss://relay.example', false],
    [loopback, 'ws://127.0.0.1:8080/v1', false],
    [loopback, 'ws://user@127.0.0.1:8080', false],
    [loopback, 'no url', false],
    [loopback, '', false],
    [tlsLoopback, 'wss://localhost:8080', true],
    [tlsLoopback, 'ws://localhost:8080', false],
    [specific, 'wss://192.0.2.5', true],
    [specific, 'wss://192.0.2.6', false],
    [specific, 'wss://127.0.0.1', false],
    [proxied, 'wss://relay.example', true],
    [proxied, 'wss://relay.example:443', true],
    [proxied, 'wss://relay.example:8443', false],
    [proxied, 'wss://relay.example.evil', false],
    [proxied, 'ws://127.0.0.1:8080', false],
  ])('case %#: %o is proved to by %s: %s', (relay, url, accepted) => {
    expect(relay.acceptsProofUrl(url)).toBe(accepted);
  });
});

describe('starting', () => {
  it.each<[string, Partial<AddressOptions> & { at?: string }]>([
    ['plain off loopback', { at: '192.0.2.5:80' }],
    ['plain off loopback behind a proxy', { at: '192.0.2.5:80', publicUrl: 'wss://relay.example' }],
    ['every address without a URL', { at: '0.0.0.0:443', tls: true }],
    ['every IPv6 address without a URL', { at: '[::]:443', tls: true }],
    ['every address, spelt long', { at: '[0:0:0:0:0:0:0:0]:443', tls: true }],
    ['every mapped address', { at: '[::ffff:0.0.0.0]:443', tls: true }],
    ['mapped loopback without TLS', { at: '[::ffff:127.0.0.1]:80' }],
    ['open off loopback', { at: '192.0.2.5:443', tls: true, open: true }],
    ['open behind a proxy', { open: true, publicUrl: 'wss://relay.example' }],
    ['a public URL without TLS', { publicUrl: 'ws://relay.example' }],
    ['a public URL with a path', { publicUrl: 'wss://relay.example/relay' }],
    ['a host name', { at: 'relay.example:80' }],
    ['no port', { at: '127.0.0.1' }],
    ['an impossible port', { at: '127.0.0.1:65536' }],
    ['IPv6 without brackets', { at: '::1:8080' }],
    ['nothing', { at: '' }],
  ])('refuses %s with a sentence', (_name, options) => {
    expect(() => address(options)).toThrow(expect.objectContaining({ code: 'usage' }));
  });

  it.each<[Partial<AddressOptions> & { at?: string }, string]>([
    [{}, 'ws://127.0.0.1:4000'],
    [{ at: '[::1]:0' }, 'ws://[::1]:4000'],
    [{ at: 'localhost:0', tls: true }, 'wss://localhost:4000'],
    [{ open: true, publicUrl: 'ws://localhost:9' }, 'ws://localhost:9'],
    [{ at: '0.0.0.0:443', tls: true, publicUrl: 'wss://Relay.example:443' }, 'wss://relay.example'],
  ])('accepts %o and is dialled at %s', (options, url) => {
    expect(address(options).url(4000)).toBe(url);
  });
});
