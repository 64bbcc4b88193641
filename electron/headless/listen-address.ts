// Where the console listens, and by which names it may be reached. Anything but loopback has to be asked for by
// name; a Host that is not one of its names is a web page that had its DNS name pointed here.
import { hostname } from 'node:os';
import { isIP } from 'node:net';
import { GatehouseError } from '../../shared/contracts/errors.ts';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export const defaultPort = 8081;

/** `127.0.0.1:8081`, `[::1]:0`, `localhost:8081`. @throws GatehouseError `usage` */
export function parseConsoleAddress(text: string, allowRemote: boolean): ListenAddress {
  const match = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3] ?? Number.NaN);
  if (host === '' || !(port <= 65_535)) {
    throw new GatehouseError('usage', `"${text}" is no address. Write HOST:PORT, such as 127.0.0.1:8081.`);
  }
  if (!isLoopback(host) && !allowRemote) {
    const message = `The console would be reachable from other machines at ${host}. Add --console-allow-remote where that is meant.`;
    throw new GatehouseError('usage', message);
  }
  return { host, port };
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** The names for the certificate. */
export function namesOf({ host }: ListenAddress): readonly string[] {
  const loopback = ['localhost', '127.0.0.1', '::1'];
  if (isLoopback(host)) return [...new Set([...loopback, host])];
  return [...new Set([...loopback, hostname().toLowerCase(), ...(isWildcard(host) ? [] : [host])])];
}

/** Whether `header` (a Host header) names this console; `port` is the one it listens at. */
export function isOwnHost(header: string | undefined, { host }: ListenAddress, port: number): boolean {
  const match = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(header ?? '');
  if (match === null) return false;
  const name = (match[1] ?? match[2] ?? '').toLowerCase();
  if (Number(match[3] ?? 443) !== port) return false;
  if (namesOf({ host, port }).includes(name)) return true;
  // An address cannot be pointed elsewhere by DNS.
  return !isLoopback(host) && isIP(name) !== 0;
}

/** For a URL. */
export function hostAndPort({ host }: ListenAddress, port: number): string {
  const shown = isWildcard(host) ? '127.0.0.1' : host;
  return `${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
