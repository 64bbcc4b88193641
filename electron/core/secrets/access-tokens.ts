// The access tokens of a service, one file each in <data>/access-tokens, so that a damaged one takes no
// other down. A token is shown once, when it is made; only what SCRAM needs is kept. It must never store,
// log or return a token's secret otherwise.
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GatehouseError, asGatehouseError } from '../../../shared/contracts/errors.ts';
import { SCRAM_ISSUED, deriveScramKeys } from '../../../shared/e2ee/scram/keys.ts';
import {
  ensurePrivateFolder,
  isSystemError,
  readFileIfThere,
  storageError,
  writeFileAtomic,
} from '../../../shared/storage/atomic-file.ts';
import { withFolderLock } from '../../../shared/storage/folder-lock.ts';
import {
  checkUserName,
  formatAccessTokenFile,
  isAccessTokenId,
  parseAccessTokenFile,
} from './access-token-file.ts';
import type { AccessTokenRecord } from './access-token-file.ts';

const folderName = 'access-tokens';
const fileSuffix = '.json';
const secretBytes = 32;
const idCharacters = 12;
const lockName = 'change';
/** A token's file is about 500 bytes. */
const maxFileBytes = 16 * 1024;

export interface NewAccessToken {
  readonly id: string;
  /** `gh_<id>_<secret>`: show it once, keep it nowhere. */
  readonly token: string;
}

export interface AccessTokenList {
  /** By time of creation. */
  readonly tokens: readonly AccessTokenRecord[];
  /** One for each file that could not be read. */
  readonly problems: readonly GatehouseError[];
}

/** The files of the access tokens; safe to use from several processes at once. */
export class AccessTokens {
  readonly folder: string;

  constructor(dataFolder: string) {
    this.folder = join(dataFolder, folderName);
  }

  /**
   * Makes a token for the named remote user.
   * @param expiresAt milliseconds since the epoch; null: it does not expire.
   * @throws GatehouseError `usage` for a bad name or an expiry that is not in the future; `storage_failed`
   */
  async create(user: string, expiresAt: number | null = null): Promise<NewAccessToken> {
    const { id, token, store } = this.prepare(user, expiresAt);
    await store();
    return { id, token };
  }

  /** As `create`; the token is good once `store` has resolved. @throws GatehouseError `usage` as `create` */
  prepare(
    user: string,
    expiresAt: number | null,
  ): NewAccessToken & { /** @throws `storage_failed` */ readonly store: () => Promise<void> } {
    checkUserName(user);
    const createdAt = Date.now();
    if (
      expiresAt !== null &&
      !(Number.isSafeInteger(expiresAt) && expiresAt > createdAt && expiresAt <= 8.64e15)
    ) {
      throw new GatehouseError('usage', 'An access token must expire in the future.');
    }
    const [id, secret] = [randomId(), randomBytes(secretBytes).toString('base64url')];
    const salt = randomBytes(SCRAM_ISSUED.saltBytes);
    const iterations = SCRAM_ISSUED.iterations;
    const scram = { salt, iterations, ...deriveScramKeys(secret, salt, iterations) };
    const store = async (): Promise<void> => {
      await ensurePrivateFolder(this.folder);
      await this.#write({ v: 1, id, user, createdAt, expiresAt, revokedAt: null, scram });
    };
    return { id, token: `gh_${id}_${secret}`, store };
  }

  /** All tokens, revoked and expired ones too. @throws GatehouseError `storage_failed` */
  async list(): Promise<AccessTokenList> {
    const tokens: AccessTokenRecord[] = [];
    const problems: GatehouseError[] = [];
    for (const id of await this.ids()) {
      try {
        const token = await this.read(id);
        if (token !== null) tokens.push(token);
      } catch (error) {
        problems.push(asGatehouseError(error));
      }
    }
    tokens.sort((a, b) => a.createdAt - b.createdAt);
    return { tokens, problems };
  }

  /**
   * Revokes a token for good; its file stays, as a record. Revoking twice keeps the first time.
   * @throws GatehouseError `access_token_unknown`, `access_token_corrupt`, `data_folder_locked`, `storage_failed`
   */
  async revoke(id: string): Promise<AccessTokenRecord> {
    if ((await this.read(id)) === null) throw unknownError(id);
    return withFolderLock(this.folder, lockName, async () => {
      const token = await this.read(id);
      if (token === null) throw unknownError(id);
      if (token.revokedAt !== null) return token;
      const revoked = { ...token, revokedAt: Date.now() };
      await this.#write(revoked);
      return revoked;
    });
  }

  /** One token from disk, or null. @throws GatehouseError `access_token_corrupt`, `storage_failed` */
  async read(id: string): Promise<AccessTokenRecord | null> {
    if (!isAccessTokenId(id)) return null;
    const bytes = await readFileIfThere(this.#path(id), maxFileBytes);
    return bytes === null ? null : parseAccessTokenFile(id, bytes);
  }

  /** The ids of all files there, readable or not. @throws GatehouseError `storage_failed` */
  async ids(): Promise<readonly string[]> {
    try {
      const names = (await readdir(this.folder)).filter((name) => name.endsWith(fileSuffix));
      return names.map((name) => name.slice(0, -fileSuffix.length)).filter(isAccessTokenId);
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return [];
      throw storageError('listed', this.folder, error);
    }
  }

  #path(id: string): string {
    return join(this.folder, `${id}${fileSuffix}`);
  }

  async #write(token: AccessTokenRecord): Promise<void> {
    await writeFileAtomic(this.#path(token.id), formatAccessTokenFile(token));
  }
}

/** 60 random bits. 32 divides 256, so every character is equally likely. */
function randomId(): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  return Array.from(randomBytes(idCharacters), (byte) => alphabet.charAt(byte & 31)).join('');
}

function unknownError(id: string): GatehouseError {
  const known = isAccessTokenId(id) ? ` "${id}"` : '';
  const message = `There is no access token${known}. The command "service token list" shows the ids.`;
  return new GatehouseError('access_token_unknown', message);
}
