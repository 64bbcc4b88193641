// Where the console may listen, and which Host headers are its own.
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { hostAndPort, isOwnHost, namesOf, parseConsoleAddress } from './listen-address.ts';

const usage = expect.objectContaining({ code: 'usage' }) as Error;

describe('parseConsoleAddress', () => {
  it.each([
    ['127.0.0.1:8081', { host: '127.0.0.1', port: 8081 }],
    ['127.9.9.9:0', { host: '127.9.9.9', port: 0 }],
    ['localhost:1', { host: 'localhost', port: 1 }],
    ['[::1]:65535', { host: '::1', port: 65_535 }],
  ])('takes %s', (text, address) => expect(parseConsoleAddress(text, false)).toEqual(address));

  it.each([
    '',
    ':',
    '8081',
    ':8081',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:x',
    '127.0.0.1:65536',
    '127.0.0.1:-1',
    '::1:8081',
    'a b:1',
    'http://127.0.0.1:1',
    '127.0.0.1:8081/',
  ])('refuses %j', (text) => expect(() => parseConsoleAddress(text, true)).toThrow(usage));

  it.each([
    '0.0.0.0:1',
    '[::]:1',
    '192.0.2.1:1',
    'example.org:1',
    '[fe80::1]:1',
    '128.0.0.1:1',
    'localhost.example:1',
  ])('takes %s only where other machines may reach it', (text) => {
    expect(() => parseConsoleAddress(text, false)).toThrow(usage);
    expect(() => parseConsoleAddress(text, true)).not.toThrow();
  });
});

describe('isOwnHost', () => {
  const loopback = { host: '127.0.0.1', port: 0 };
  const anywhere = { host: '0.0.0.0', port: 0 };
  it.each([
    ['127.0.0.1:8081', loopback, true],
    ['localhost:8081', loopback, true],
    ['LOCALHOST:8081', loopback, true],
    ['[::1]:8081', loopback, true],
    [undefined, loopback, false],
    ['', loopback, false],
    ['127.0.0.1', loopback, false],
    ['127.0.0.1:8082', loopback, false],
    ['127.0.0.2:8081', loopback, false],
    ['192.0.2.1:8081', loopback, false],
    ['evil.example:8081', loopback, false],
    ['localhost.evil.example:8081', loopback, false],
    ['127.0.0.1:8081@evil.example', loopback, false],
    ['127.0.0.1:8081, evil.example', loopback, false],
    ['127.0.0.1:8081/', loopback, false],
    [`${hostname()}:8081`, anywhere, true],
    ['192.0.2.1:8081', anywhere, true],
    ['[2001:db8::1]:8081', anywhere, true],
    ['evil.example:8081', anywhere, false],
    ['gate.example:8081', { host: 'gate.example', port: 0 }, true],
  ] as const)('of %j at %j is %s', (header, address, own) => {
    expect(isOwnHost(header, address, 8081)).toBe(own);
  });

  it('takes a header without a port for 443', () => {
    expect(isOwnHost('127.0.0.1', loopback, 443)).toBe(true);
  });
});

it('has every name in the certificate that is its own, and shows one that can be dialled', () => {
  expect(namesOf({ host: '127.0.0.1', port: 0 })).toEqual(['localhost', '127.0.0.1', '::1']);
  expect(namesOf({ host: '0.0.0.0', port: 0 })).not.toContain('0.0.0.0');
  expect(hostAndPort({ host: '0.0.0.0', port: 0 }, 5)).toBe('127.0.0.1:5');
  expect(hostAndPort({ host: '::1', port: 0 }, 5)).toBe('[::1]:5');
});
