// Certificates, keys and PKCS#12 files for tests, made by the openssl command in a folder of their own:
// what an administrator would bring. For tests alone; it must never be imported by the service.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CertificateImport } from './import.ts';

/** The passphrase of everything here that is encrypted. */
export const passphrase = 'geheim';

export const ec = (curve: string) => ['-algorithm', 'EC', '-pkeyopt', `ec_paramgen_curve:${curve}`];
export const rsa = (bits: number) => ['-algorithm', 'RSA', '-pkeyopt', `rsa_keygen_bits:${String(bits)}`];

export class OpensslFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'gatehouse-openssl-'));

  run(...args: readonly string[]): void {
    execFileSync('openssl', args, { cwd: this.path, stdio: ['ignore', 'ignore', 'pipe'] });
  }

  read(name: string): Promise<Buffer> {
    return readFile(join(this.path, name));
  }

  /** Makes NAME.key and NAME.pem, valid for 30 days. */
  selfSigned(name: string, key: readonly string[], ...more: readonly string[]): void {
    this.run('genpkey', '-out', `${name}.key`, ...key);
    this.sign(name, ...more);
  }

  /** Makes NAME.pem for NAME.key. */
  sign(name: string, ...more: readonly string[]): void {
    const subject = ['-subj', '/CN=imported', '-days', '30'];
    this.run('req', '-x509', '-key', `${name}.key`, '-out', `${name}.pem`, ...subject, ...more);
  }

  /** Makes NAME.pem with NAME.key, signed by ROOT. */
  issue(name: string, root: string): void {
    this.run('genpkey', '-out', `${name}.key`, ...ec('P-256'));
    this.run('req', '-new', '-key', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const by = ['-CA', `${root}.pem`, '-CAkey', `${root}.key`];
    this.run('x509', '-req', '-in', `${name}.csr`, ...by, '-out', `${name}.pem`, '-days', '9');
  }

  /** Makes the PKCS#12 file OUT of NAME.key and NAME.pem. */
  pkcs12(name: string, out: string, ...more: readonly string[]): void {
    const files = ['-inkey', `${name}.key`, '-in', `${name}.pem`, '-out', out];
    this.run('pkcs12', '-export', ...files, '-passout', `pass:${passphrase}`, ...more);
  }

  async pemPair(certificate: string, key: string): Promise<CertificateImport> {
    return { pem: await this.read(certificate), key: await this.read(key) };
  }

  async encryptedPair(certificate: string, key: string, secret = passphrase): Promise<CertificateImport> {
    return { pem: await this.read(certificate), key: await this.read(key), passphrase: secret };
  }

  async pkcs12File(name: string, secret = passphrase): Promise<CertificateImport> {
    return { pkcs12: await this.read(name), passphrase: secret };
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
