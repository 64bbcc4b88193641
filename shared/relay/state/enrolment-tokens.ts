// The tokens that let a service enrol: single use, and of use for a limited time.
// A token is shown once, at `mint`; on disk is its hash. Of any number of uses at once exactly one succeeds.
import { GatehouseError } from '../../contracts/errors.ts';
import { isTimestamp, RecordFolder } from './record-folder.ts';
import { isTokenHash, isTokenId, mintToken, tokenIdIn, tokenMatches } from './token-text.ts';

interface EnrolmentTokenRecord {
  readonly hash: string;
  readonly createdAt: string;
  readonly expiresAt: string;
}

export interface MintedEnrolmentToken {
  readonly id: string;
  readonly token: string;
  readonly expiresAt: string;
}

const dayMs = 24 * 3600 * 1000;
/** Life of an enrolment token where nothing else is asked for, in milliseconds. */
export const defaultEnrolmentLifeMs = dayMs;
const lifeMs = { min: 60 * 1000, max: 365 * dayMs };

export class EnrolmentTokens {
  readonly #records: RecordFolder<EnrolmentTokenRecord>;

  constructor(folder: string) {
    this.#records = new RecordFolder(folder, { isId: isTokenId, parse: parseRecord });
  }

  async prepare(): Promise<void> {
    await this.#records.prepare();
  }

  /** `life` in milliseconds, 1 minute to 365 days. @throws GatehouseError `usage`, `storage_failed` */
  async mint(life = defaultEnrolmentLifeMs): Promise<MintedEnrolmentToken> {
    if (!(life >= lifeMs.min && life <= lifeMs.max)) {
      throw new GatehouseError('usage', 'An enrolment token lives between 1 minute and 365 days.');
    }
    const { id, token, hash } = mintToken('ghe');
    const now = Date.now();
    const expiresAt = new Date(now + life).toJSON();
    await this.#records.write(id, { hash, createdAt: new Date(now).toJSON(), expiresAt });
    return { id, token, expiresAt };
  }

  /** Uses the token up; false where it is unknown, used or expired. @throws GatehouseError `storage_failed` */
  async consume(token: string): Promise<boolean> {
    const id = tokenIdIn(token, 'ghe');
    const record = id === null ? null : await this.#records.read(id);
    if (id === null || record === null || !tokenMatches(token, record.hash)) return false;
    if (Date.parse(record.expiresAt) <= Date.now()) return false;
    return this.#records.take(id);
  }
}

function parseRecord(json: Readonly<Record<string, unknown>>): EnrolmentTokenRecord | null {
  const { hash, createdAt, expiresAt } = json;
  if (!isTokenHash(hash) || !isTimestamp(createdAt) || !isTimestamp(expiresAt)) return null;
  return { hash, createdAt, expiresAt };
}
