// Certificates, keys and PKCS#12 files as an administrator brings them: made by the openssl command line.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import type { Home } from './home.ts';

export const keyTypes = {
  rsa: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  'short-rsa': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'],
  p256: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  p384: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  ed25519: ['-algorithm', 'ED25519'],
} as const;

export type KeyType = keyof typeof keyTypes;

/** Files NAME.pem, NAME.key and NAME.p12 in a folder of `home`. */
export class Openssl {
  readonly #home: Home;

  constructor(home: Home) {
    this.#home = home;
    mkdirSync(home.path('openssl'), { recursive: true, mode: 0o700 });
  }

  path(name: string): string {
    return this.#home.path('openssl', name);
  }

  /** A self-signed certificate, good for `days` from now (below zero: it has expired), and its key. */
  make(name: string, type: KeyType, days = 30): void {
    this.run('genpkey', '-out', `${name}.key`, ...keyTypes[type]);
    this.run('req', '-new', '-key', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const own = ['-signkey', `${name}.key`, '-days', String(days)];
    this.run('x509', '-req', '-in', `${name}.csr`, ...own, '-out', `${name}.pem`);
  }

  /** NAME.p12 of what `make` made. */
  pkcs12(name: string, passphraseFile: string): void {
    const pair = ['-inkey', `${name}.key`, '-in', `${name}.pem`, '-out', `${name}.p12`];
    this.run('pkcs12', '-export', ...pair, '-passout', `file:${passphraseFile}`);
  }

  run(...args: readonly string[]): void {
    execFileSync('openssl', args, { cwd: this.#home.path('openssl'), stdio: ['ignore', 'ignore', 'pipe'] });
  }
}
