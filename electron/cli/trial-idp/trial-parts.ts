// What `gatehouse relay --trial-idp --trial-app` starts beside the relay, and how that changes the relay's own options.
import { fileURLToPath } from 'node:url';
import { parseListenAddress } from '../../../shared/relay/address.ts';
import type { Relay, RelayOptions } from '../../../shared/relay/relay.ts';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { startTrialApp } from './trial-app.ts';
import type { TrialApp } from './trial-app.ts';
import { startTrialIdp } from './trial-idp.ts';
import type { TrialIdp } from './trial-idp.ts';

export interface TrialFlags {
  /** HOST:PORT; true where none was given. */
  readonly trialIdp?: string | boolean;
  /** HOST:PORT; true where none was given. */
  readonly trialApp?: string | boolean;
  /** Of the app's sign-in, where that is not the trial's own. */
  readonly trialAppClient?: string;
}

const defaultIdpAddress = '127.0.0.1:8082';
const defaultAppAddress = '127.0.0.1:8083';

export interface TrialParts {
  /** The relay's options with what the trial adds. */
  readonly relay: Pick<RelayOptions, 'oidc' | 'corsOrigins'>;
  /** The relay serves: the app may be used. */
  begin(relay: Relay): void;
  /** For the relay's ready line. */
  readonly ready: Readonly<Record<string, string>>;
  /** For a person. */
  readonly lines: readonly string[];
  stop(): Promise<void>;
}

/** @throws GatehouseError `usage`, `storage_failed` */
export async function startTrialParts(
  flags: TrialFlags,
  options: Pick<RelayOptions, 'oidc' | 'corsOrigins'>,
  folder: string,
): Promise<TrialParts> {
  const idp = await startIdp(flags, options, folder);
  try {
    const oidc = idp === null ? options.oidc : { issuer: idp.issuer, audience: idp.audience };
    const app = await startApp(flags, oidc);
    return new StartedParts(flags, idp, app, { ...options, oidc });
  } catch (error) {
    await idp?.stop();
    throw error;
  }
}

class StartedParts implements TrialParts {
  readonly relay: TrialParts['relay'];
  readonly #flags: TrialFlags;
  readonly #idp: TrialIdp | null;
  readonly #app: TrialApp | null;

  constructor(flags: TrialFlags, idp: TrialIdp | null, app: TrialApp | null, options: TrialParts['relay']) {
    this.#flags = flags;
    this.#idp = idp;
    this.#app = app;
    const named = options.corsOrigins ?? [];
    this.relay = { ...options, corsOrigins: app === null ? named : [...named, app.origin] };
  }

  begin({ url }: Relay): void {
    const { oidc } = this.relay;
    if (this.#app === null || oidc === undefined) return;
    const resource = this.#idp === null ? {} : { resource: oidc.audience };
    const clientId = this.#idp?.clientId ?? this.#flags.trialAppClient ?? '';
    this.#app.configure({ relay: url.replace(/^ws/, 'http'), issuer: oidc.issuer, clientId, ...resource });
  }

  get ready(): Readonly<Record<string, string>> {
    const idp = this.#idp;
    const signIn =
      idp === null ? {} : { oidcIssuer: idp.issuer, oidcAudience: idp.audience, oidcClientId: idp.clientId };
    return { ...signIn, ...(this.#app === null ? {} : { appUrl: this.#app.url }) };
  }

  get lines(): readonly string[] {
    const lines: string[] = [];
    if (this.#idp !== null) {
      const { issuer, audience, clientId } = this.#idp;
      lines.push(
        `Sign-in for trials at ${issuer}: any name, any password. Nobody outside this machine should believe it.`,
        `  issuer ${issuer}   audience ${audience}   client id ${clientId}`,
        `  the service:  gatehouse service settings set service.oidc.issuer ${issuer}`,
        `                gatehouse service settings set service.oidc.audience ${audience}`,
      );
    }
    if (this.#app !== null) lines.push(`The example app is at ${this.#app.url}`);
    return lines;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#app?.stop(), this.#idp?.stop()]);
  }
}

async function startIdp(
  { trialIdp }: TrialFlags,
  { oidc }: Pick<RelayOptions, 'oidc'>,
  folder: string,
): Promise<TrialIdp | null> {
  if (trialIdp === undefined || trialIdp === false) return null;
  if (oidc !== undefined) {
    throw new GatehouseError(
      'usage',
      '--trial-idp is an issuer of its own. Leave out --oidc-issuer and --oidc-audience.',
    );
  }
  const listen = parseListenAddress(trialIdp === true ? defaultIdpAddress : trialIdp);
  return startTrialIdp({ listen, folder });
}

async function startApp({ trialApp }: TrialFlags, oidc: RelayOptions['oidc']): Promise<TrialApp | null> {
  if (trialApp === undefined || trialApp === false) return null;
  if (oidc === undefined) {
    throw new GatehouseError(
      'usage',
      '--trial-app needs a sign-in: add --trial-idp, or --oidc-issuer and --oidc-audience.',
    );
  }
  const listen = parseListenAddress(trialApp === true ? defaultAppAddress : trialApp);
  return startTrialApp(listen, fileURLToPath(new URL('./trial-app', import.meta.url)));
}
