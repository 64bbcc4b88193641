// Where everything is: the relay, the service, the issuer. `config.json` beside the page says it (the trial's relay makes
// one); what is missing is asked for, and kept in this browser. No secret is among it.

export interface AppConfig {
  /** `https://…`, or `http://` on loopback. */
  readonly relay: string;
  readonly serviceId: string;
  readonly issuer: string;
  readonly clientId: string;
  /** What tokens are for (RFC 8707), where the issuer wants it named. */
  readonly resource?: string;
}

const storageKey = 'gatehouse-example-config';
export const configFields = ['relay', 'serviceId', 'issuer', 'clientId'] as const;

/** What is known; fields may be missing. */
export async function loadConfig(): Promise<Partial<AppConfig>> {
  const kept = parse(localStorage.getItem(storageKey) ?? '{}');
  const response = await fetch('config.json', { cache: 'no-store' }).catch(() => null);
  const given = response?.ok === true ? parse(await response.text()) : {};
  return { relay: location.origin, ...kept, ...given };
}

export function keepConfig(config: AppConfig): void {
  localStorage.setItem(storageKey, JSON.stringify(config));
}

export function isComplete(config: Partial<AppConfig>): config is AppConfig {
  return configFields.every((name) => config[name] !== undefined && config[name] !== '');
}

function parse(json: string): Partial<AppConfig> {
  try {
    const value = Object(JSON.parse(json)) as Record<string, unknown>;
    const texts = [...configFields, 'resource'].map((name) => [name, value[name]] as const);
    return Object.fromEntries(texts.filter(([, text]) => typeof text === 'string' && text !== ''));
  } catch {
    return {};
  }
}
