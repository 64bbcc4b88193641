// A sign-in that is kept: one file (mode 0600) for each relay, and the tokens in it, renewed when they are about to end.
// Several programs may use one file at a time: refreshing happens under a lock and reads the file first, because an
// issuer that rotates refresh tokens takes the second use of one for theft. Tokens go to the relay and the issuer alone.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as oidc from 'openid-client';
import * as v from 'valibot';
import { GatehouseError } from '../../contracts/errors.ts';
import { parseRelayUrl } from '../../net/dial.ts';
import {
  ensurePrivateFolder,
  readFileIfThere,
  removeFileIfThere,
  writeFileAtomic,
} from '../../storage/atomic-file.ts';
import { withFolderLock } from '../../storage/folder-lock.ts';
import { assertPrivate } from '../../storage/private-file.ts';
import { discoverIssuer, signInError } from './issuer.ts';
import type { IssuerOptions } from './issuer.ts';
import { isFresh, tokenSetOf, tokenSetSchema } from './tokens.ts';
import type { TokenSet } from './tokens.ts';

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(512));
const fileSchema = v.object({
  v: v.literal(1),
  relay: text,
  issuer: text,
  clientId: text,
  resource: v.nullable(text),
  tokens: tokenSetSchema,
});
type SignInFile = v.InferOutput<typeof fileSchema>;

export class SignIn {
  readonly #folder: string;
  #file: SignInFile;
  #renewing: Promise<void> | null = null;

  private constructor(folder: string, file: SignInFile) {
    this.#folder = folder;
    this.#file = file;
  }

  /** Keeps `tokens` for `relay` in `folder`, in the place of an earlier sign-in. @throws GatehouseError `usage`, `storage_failed` */
  static async keep(
    folder: string,
    relay: string,
    { issuer, clientId, resource }: IssuerOptions,
    tokens: TokenSet,
  ): Promise<SignIn> {
    await ensurePrivateFolder(folder);
    const origin = parseRelayUrl(relay).origin;
    const file: SignInFile = { v: 1, relay: origin, issuer, clientId, resource: resource ?? null, tokens };
    await withFolderLock(folder, lockName(origin), () => write(folder, file));
    return new SignIn(folder, file);
  }

  /** The sign-in for `relay`; null where nobody has signed in. @throws GatehouseError `usage`, `file_too_open`, `storage_failed` */
  static async open(folder: string, relay: string): Promise<SignIn | null> {
    const file = await read(folder, parseRelayUrl(relay).origin);
    return file === null ? null : new SignIn(folder, file);
  }

  get issuer(): string {
    return this.#file.issuer;
  }

  /** Who signed in, as the issuer names them. */
  get subject(): string {
    return this.#file.tokens.subject;
  }

  get relay(): string {
    return this.#file.relay;
  }

  /**
   * An access token with at least a minute left. With `renew`, the last one was refused: gets another.
   * @throws GatehouseError `oidc_login_failed`: sign in again; `data_folder_locked`, `storage_failed`
   */
  async token({ renew = false }: { readonly renew?: boolean } = {}): Promise<string> {
    const refused = renew ? this.#file.tokens.accessToken : null;
    if (renew || !isFresh(this.#file.tokens)) {
      this.#renewing ??= this.#renew(refused).finally(() => {
        this.#renewing = null;
      });
      await this.#renewing;
    }
    return this.#file.tokens.accessToken;
  }

  /** Removes the file, and asks the issuer to forget the sign-in. True where the issuer has. @throws GatehouseError `storage_failed` */
  async end(): Promise<boolean> {
    await removeFileIfThere(pathOf(this.#folder, this.#file.relay));
    const { refreshToken, accessToken } = this.#file.tokens;
    try {
      const config = await discoverIssuer(this.#options);
      await oidc.tokenRevocation(config, refreshToken ?? accessToken);
      return true;
    } catch {
      return false;
    }
  }

  get #options(): IssuerOptions {
    const { issuer, clientId, resource } = this.#file;
    return { issuer, clientId, resource: resource ?? undefined };
  }

  async #renew(refused: string | null): Promise<void> {
    const { relay } = this.#file;
    // Asked before the lock is held: it is for changes of milliseconds.
    const config = await discoverIssuer(this.#options);
    await withFolderLock(this.#folder, lockName(relay), async () => {
      const kept = await read(this.#folder, relay);
      if (kept === null) throw signedOut('You have signed out. Sign in again: gatehouse login.');
      if (kept.issuer !== this.issuer || kept.tokens.subject !== this.subject) {
        throw signedOut('Somebody else has signed in meanwhile. Start again, or sign in: gatehouse login.');
      }
      this.#file = kept;
      // Another program may have renewed it meanwhile.
      if (isFresh(kept.tokens) && kept.tokens.accessToken !== refused) return;
      this.#file = { ...kept, tokens: await refresh(config, kept) };
      await write(this.#folder, this.#file);
    });
  }
}

async function refresh(config: oidc.Configuration, { tokens, resource }: SignInFile): Promise<TokenSet> {
  const { refreshToken } = tokens;
  if (refreshToken === null) throw signedOut('Your sign-in has ended. Sign in again: gatehouse login.');
  try {
    const more = resource === null ? {} : { resource };
    return tokenSetOf(await oidc.refreshTokenGrant(config, refreshToken, more), tokens);
  } catch (cause) {
    throw signInError('Your sign-in cannot be renewed. Sign in again: gatehouse login.', cause);
  }
}

function signedOut(message: string): GatehouseError {
  return new GatehouseError('oidc_login_failed', message);
}

async function read(folder: string, relay: string): Promise<SignInFile | null> {
  const path = pathOf(folder, relay);
  const content = await readFileIfThere(path);
  if (content === null) return null;
  await assertPrivate(path);
  const parsed = v.safeParse(fileSchema, parseJson(content.toString('utf8')));
  if (parsed.success && parsed.output.relay === relay) return parsed.output;
  const message = `${path} cannot be read. Sign in again: gatehouse login.`;
  throw new GatehouseError('storage_failed', message, { details: { path } });
}

function write(folder: string, file: SignInFile): Promise<void> {
  return writeFileAtomic(pathOf(folder, file.relay), `${JSON.stringify(file, null, 2)}\n`);
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return null;
  }
}

/** A name from the URL that no file system stumbles over. */
function nameOf(relay: string): string {
  return createHash('sha256').update(relay).digest('hex').slice(0, 24);
}

function lockName(relay: string): string {
  return `sign-in-${nameOf(relay)}`;
}

function pathOf(folder: string, relay: string): string {
  return join(folder, `sign-in-${nameOf(relay)}.json`);
}
