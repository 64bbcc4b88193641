// The tokens that let clients use the relay, each for a named user and, where wanted, for some services only.
// A token is shown once, at `mint`; on disk is its hash. Revoking keeps the record, so that it can be listed.
import { GatehouseError } from '../../contracts/errors.ts';
import { isServiceId } from '../../contracts/service-id.ts';
import { isTimestamp, RecordFolder } from './record-folder.ts';
import type { Listing } from './record-folder.ts';
import { isTokenHash, isTokenId, mintToken, tokenIdIn, tokenMatches } from './token-text.ts';

export interface ClientTokenRecord {
  readonly hash: string;
  readonly user: string;
  /** The services that the token may reach; null for all. */
  readonly serviceIds: readonly string[] | null;
  readonly createdAt: string;
  readonly revokedAt: string | null;
}

/** What a client may do, as long as its token stands. */
export interface ClientGrant {
  /** Null where the client brought no relay token: the relay is open, or it brought an OIDC access token. */
  readonly tokenId: string | null;
  readonly user: string;
  readonly serviceIds: readonly string[] | null;
  /** Milliseconds since 1970; undefined for what stands until it is revoked. */
  readonly expiresAt?: number;
}

export interface MintedClientToken {
  readonly id: string;
  readonly token: string;
  readonly user: string;
  readonly serviceIds: readonly string[] | null;
}

const maxUserLength = 128;
const maxServiceIds = 256;

export class ClientTokens {
  readonly #records: RecordFolder<ClientTokenRecord>;

  constructor(folder: string) {
    this.#records = new RecordFolder(folder, { isId: isTokenId, parse: parseRecord });
  }

  get folder(): string {
    return this.#records.path;
  }

  async prepare(): Promise<void> {
    await this.#records.prepare();
  }

  /** @throws GatehouseError `usage`, `storage_failed` */
  async mint(user: string, serviceIds: readonly string[] | null): Promise<MintedClientToken> {
    checkUser(user);
    checkServiceIds(serviceIds);
    const { id, token, hash } = mintToken('ghr');
    const createdAt = new Date().toJSON();
    await this.#records.write(id, { hash, user, serviceIds, createdAt, revokedAt: null });
    return { id, token, user, serviceIds };
  }

  /** @throws GatehouseError `not_authorised`, the same for every reason; `relay_record_corrupt`, `storage_failed` */
  async authorise(token: string): Promise<ClientGrant> {
    const id = tokenIdIn(token, 'ghr');
    const record = id === null ? null : await this.#records.read(id);
    const stands = record?.revokedAt === null && tokenMatches(token, record.hash);
    if (id === null || !stands) throw notAuthorised();
    return grantOf(id, record);
  }

  /** What the token of `id` allows now: null once it is revoked or gone. @throws GatehouseError as `authorise` */
  async grant(id: string): Promise<ClientGrant | null> {
    const record = await this.#records.read(id);
    return record?.revokedAt === null ? grantOf(id, record) : null;
  }

  async list(): Promise<Listing<ClientTokenRecord>> {
    return this.#records.list();
  }

  /** Revokes; a second time changes nothing. @throws GatehouseError `relay_record_unknown`, `relay_record_corrupt` */
  async revoke(id: string): Promise<void> {
    const record = await this.#records.read(id);
    if (record === null) {
      const message = `There is no client token "${id}". See: gatehouse relay client-token list`;
      throw new GatehouseError('relay_record_unknown', message);
    }
    if (record.revokedAt !== null) return;
    await this.#records.write(id, { ...record, revokedAt: new Date().toJSON() });
  }
}

export function notAuthorised(): GatehouseError {
  const message = 'The relay token is missing, unknown or revoked. Ask whoever runs the relay for one.';
  return new GatehouseError('not_authorised', message);
}

function grantOf(tokenId: string, { user, serviceIds }: ClientTokenRecord): ClientGrant {
  return { tokenId, user, serviceIds };
}

/** Printable, because it is shown as `clientId` at the service. */
function checkUser(user: string): void {
  if (isUser(user)) return;
  const message = `A user has 1 to ${maxUserLength} printable characters without a space at either end.`;
  throw new GatehouseError('usage', message);
}

function checkServiceIds(serviceIds: readonly string[] | null): void {
  if (serviceIds === null) return;
  const isWrong = (id: string): boolean => !isServiceId(id);
  const wrong = serviceIds.find(isWrong);
  if (wrong !== undefined) {
    throw new GatehouseError('usage', `"${wrong}" is no service id. One looks like abcd-efgh-2345.`);
  }
  if (serviceIds.length === 0 || serviceIds.length > maxServiceIds) {
    throw new GatehouseError('usage', `A token is for 1 to ${maxServiceIds} services, or for all of them.`);
  }
}

function isUser(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= maxUserLength &&
    value === value.trim() &&
    !/[\p{C}\p{Zl}\p{Zp}]/u.test(value)
  );
}

function parseRecord(json: Readonly<Record<string, unknown>>): ClientTokenRecord | null {
  const { hash, user, serviceIds, createdAt, revokedAt } = json;
  if (!isTokenHash(hash) || !isUser(user) || !isTimestamp(createdAt)) return null;
  if (serviceIds !== null && !isServiceIdList(serviceIds)) return null;
  if (revokedAt !== null && !isTimestamp(revokedAt)) return null;
  return { hash, user, serviceIds, createdAt, revokedAt };
}

function isServiceIdList(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= maxServiceIds && value.every(isServiceId);
}
