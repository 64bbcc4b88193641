// What the bench of device sessions runs against: a relay over TLS with the trial's provider, a service with a published
// folder, and somebody who is signed in. All real programs on loopback.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { SignIn, ssoLogin } from '../../shared/client/index.ts';
import { signInByForms } from '../support/form-person.ts';
import type { Entrance } from './device-client.ts';
import type { Programs } from './programs.ts';

export interface DeviceSetting {
  readonly tokens: SignIn;
  /** For one client, with a registration code of its own. */
  readonly entrance: () => Entrance;
  /** Publishes random bytes under `name`. */
  readonly publish: (name: string, length: number) => void;
}

/** `pageOrigin` is the one page that may ask the relay. */
export async function setUpDevices(programs: Programs, pageOrigin: string): Promise<DeviceSetting> {
  const data = join(programs.folder, 'service');
  const relayData = join(programs.folder, 'relay');
  const { cert, key } = certificate(programs);
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(cert, 'utf8')]);
  const enrolment = programs.once(['relay', 'enrolment-token', '--data', relayData]);
  const relayed = await programs.gatehouse([
    ...['relay', '--data', relayData, '--listen', '127.0.0.1:0', '--tls-cert', cert, '--tls-key', key],
    ...['--trial-idp', '127.0.0.1:0', '--cors-origin', pageOrigin],
  ]);
  const { oidcIssuer: issuer = '', oidcAudience: audience = '', oidcClientId: clientId = '' } = relayed.ready;
  const url = (relayed.ready.url ?? '').replace('127.0.0.1', 'localhost');
  const service = await programs.gatehouse([
    ...['service', '--data', data, '--relay', url, '--relay-ca', cert],
    ...['--password-file', programs.file('password', 'bench\n')],
    ...['--enrolment-token-file', programs.file('enrolment', enrolment.token ?? '')],
  ]);
  const { serviceId = '' } = service.ready;
  const admin = (...args: string[]) => programs.once(['service', ...args, '--data', data]);
  admin('settings', 'set', 'service.oidc.audience', audience);
  admin('settings', 'set', 'service.oidc.issuer', issuer);
  mkdirSync(join(programs.folder, 'published'));
  admin('collection', 'add', 'bench', join(programs.folder, 'published'));
  const options = { issuer, clientId, resource: audience };
  const earned = await ssoLogin({ ...options, openBrowser: (page) => void signInByForms(page, 'bench') });
  const relay = url.replace(/^ws/, 'http');
  const tokens = await SignIn.keep(join(programs.folder, 'client'), relay, options, earned);
  return {
    tokens,
    entrance: () => ({ relay, serviceId, code: admin('device', 'code').code ?? '' }),
    publish: (name, length) => writeFileSync(join(programs.folder, 'published', name), randomBytes(length)),
  };
}

/** P-256, as a relay of today has it: session start is compared with its handshake. */
function certificate(programs: Programs): { cert: string; key: string } {
  const [cert, key] = [join(programs.folder, 'relay.pem'), programs.file('relay.key', '')];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync('openssl', ['req', ...kind, ...names, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { cert, key };
}
