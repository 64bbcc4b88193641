// The line of the command line that calls this service, ready to copy: it works as it stands with the built-in relay,
// and says what to put in where a secret is not at this machine. It never holds a secret itself.
import type { Installation } from '../installation.ts';

/** What a person has to replace by a file of theirs. */
const placeholders = { relayToken: 'RELAY-TOKEN-FILE', accessToken: 'ACCESS-TOKEN-FILE' } as const;

/** @throws GatehouseError `not_serving` */
export function callLine(installation: Installation): string {
  const { host, service, relay } = installation;
  const tokenFile = relay.inUse?.clientTokenFile ?? placeholders.relayToken;
  const { settings } = service.data;
  return [
    `${host.callCommand} ${service.serviceId} ping`,
    `--relay ${relay.inUse?.url ?? ''}`,
    `--relay-token-file ${quoted(tokenFile)}`,
    `--fingerprint ${service.fingerprint}`,
    ...(settings.get('service.e2ee.require_e2ee_session_verification')
      ? [`--access-token-file ${placeholders.accessToken}`]
      : []),
  ].join(' ');
}

/** As a shell takes it, where it has more than plain characters. */
function quoted(path: string): string {
  return /^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
