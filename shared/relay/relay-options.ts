// What a relay is started with, and what whoever started it holds. Types alone.
import type { Logger } from 'pino';
import type { ListenAddress } from './address.ts';
import type { TlsFiles } from './front-door.ts';
import type { RelayLimits } from './limits.ts';

export interface RelayOptions {
  /** Where enrolled keys and tokens are kept; one relay a folder. */
  readonly dataFolder: string;
  readonly listen: ListenAddress;
  /** The name that clients are shown, 1 to 64 letters, digits, dots, dashes and underscores. */
  readonly domain: string;
  /** The URL that the relay is dialled by where a proxy stands before it. */
  readonly publicUrl?: string | undefined;
  readonly tls?: TlsFiles | undefined;
  /** Lets everybody in, on loopback only. Default false. */
  readonly open?: boolean | undefined;
  readonly limits?: Partial<RelayLimits> | undefined;
  /** Whose access tokens are taken, from devices and from clients. Default: nobody's, and no HTTPS API. */
  readonly oidc?: { readonly issuer: string; readonly audience: string } | undefined;
  /** Origins of the web pages that may use the HTTPS API. Default none. */
  readonly corsOrigins?: readonly string[] | undefined;
  /** Encrypted documents that are kept on disk, in bytes; 0 keeps none. Default 512 MiB. */
  readonly blobCacheBytes?: number | undefined;
  /** Default: silent. Tokens and headers are never logged. */
  readonly logger?: Logger | undefined;
}

export interface Relay {
  /** The URL to dial. */
  readonly url: string;
  readonly domain: string;
  /** Ids of the services that are connected now. */
  online(): string[];
  /** Takes nothing new, lets open streams finish within `limits.drainMs`, then frees everything. */
  stop(): Promise<void>;
}
