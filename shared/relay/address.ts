// What a relay is called: where it listens, which Host and Origin it answers to, and which URL a service's proof may
// be bound to. It decides that no web page, no rebound DNS name and no other relay's proof gets in. Pure.
import { isIP } from 'node:net';
import { GatehouseError } from '../contracts/errors.ts';
import { isLoopbackHost, parseRelayUrl } from '../net/dial.ts';

export interface ListenAddress {
  /** An IP address without brackets, or `localhost`. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

export interface AddressOptions {
  readonly listen: ListenAddress;
  readonly tls: boolean;
  /** The only URL of the relay, where a proxy stands before it. */
  readonly publicUrl?: string | undefined;
  /** Whether anybody may come in without a token. */
  readonly open: boolean;
}

/** `HOST:PORT` as typed, an IPv6 address in brackets. @throws GatehouseError `usage` */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text.trim());
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  const known =
    match?.[1] === undefined ? host === 'localhost' || isIP(host ?? '') === 4 : isIP(match[1]) === 6;
  if (host === undefined || !known || port > 65_535) {
    const message = `"${text}" is no address to listen at. Give an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080.`;
    throw new GatehouseError('usage', message);
  }
  return { host, port };
}

export class RelayAddress {
  /** True where everybody who connects has the same address: a proxy's, or this machine's. */
  readonly sharedByAll: boolean;
  readonly #scheme: 'ws:' | 'wss:';
  /** As URL.hostname gives it. */
  readonly #host: string;
  readonly #loopback: boolean;
  readonly #publicUrl: URL | null;

  /** @throws GatehouseError `usage` for a relay that would not be safe, or that nobody could prove a URL of */
  constructor({ listen, tls, publicUrl, open }: AddressOptions) {
    this.#scheme = tls ? 'wss:' : 'ws:';
    this.#host = canonicalHost(listen.host);
    this.#loopback = isLoopbackHost(this.#host);
    this.#publicUrl = publicUrl === undefined ? null : parseRelayUrl(publicUrl);
    this.sharedByAll = this.#loopback || this.#publicUrl !== null;
    this.#check(open);
  }

  /** The URL to dial, given the port that was taken. */
  url(port: number): string {
    return this.#publicUrl === null
      ? new URL(`${this.#scheme}//${this.#host}:${port}`).origin
      : this.#publicUrl.origin;
  }

  /** True where a request with this Host header means this relay. */
  acceptsHost(host: string | undefined): boolean {
    if (host === undefined || !/^[A-Za-z0-9.:[\]-]+$/.test(host)) return false;
    const scheme = this.#publicUrl?.protocol ?? this.#scheme;
    const url = parseUrl(`${scheme}//${host}`);
    return url !== null && this.#isOurs(url);
  }

  /** True where a request with this Origin comes from no web page but the relay's own. `host` has been accepted. */
  acceptsOrigin(origin: string | undefined, host: string): boolean {
    if (origin === undefined) return true;
    const scheme = this.#publicUrl?.protocol ?? this.#scheme;
    const own = parseUrl(`${scheme.replace('ws', 'http')}//${host}`);
    return own !== null && origin === own.origin;
  }

  /** True where a proof bound to this URL was made for this relay. */
  acceptsProofUrl(text: string): boolean {
    try {
      const url = parseRelayUrl(text);
      return url.protocol === (this.#publicUrl?.protocol ?? this.#scheme) && this.#isOurs(url);
    } catch {
      return false;
    }
  }

  #isOurs(url: URL): boolean {
    if (this.#publicUrl !== null) return url.host === this.#publicUrl.host;
    return this.#loopback ? isLoopbackHost(url.hostname) : url.hostname === this.#host;
  }

  #check(open: boolean): void {
    const { origin } = this.#publicUrl ?? {};
    if (isWildcard(this.#host) && origin === undefined) {
      throw usage(
        'A relay that listens on every address needs --public-url, so that it knows the URL it is dialled by.',
      );
    }
    if (!this.#loopback && this.#scheme === 'ws:') {
      throw usage(
        'Plain ws:// is for loopback alone. Give --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy.',
      );
    }
    if (!open) return;
    if (!this.#loopback || (this.#publicUrl !== null && !isLoopbackHost(this.#publicUrl.hostname))) {
      throw usage(
        'An open relay lets everybody in, so --open is for loopback alone. Leave it out and make tokens.',
      );
    }
  }
}

function usage(message: string): GatehouseError {
  return new GatehouseError('usage', message);
}

function canonicalHost(host: string): string {
  const url = parseUrl(isIP(host) === 6 ? `ws://[${host}]` : `ws://${host}`);
  if (url === null) throw usage(`"${host}" is no address to listen at.`);
  return url.hostname;
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '[::]' || host === '[::ffff:0:0]';
}

function parseUrl(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}
