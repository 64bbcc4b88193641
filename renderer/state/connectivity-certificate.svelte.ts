// Replacing the service's certificate: renew, or import one from files. Must never keep a password, passphrase or key
// file once the call has ended well, nor call a replacement done that the service has not confirmed.
import type { CertificateReplacement } from '../../shared/contracts/console/models.ts';
import { addFiles } from './connectivity-import.ts';
import type { ImportFiles, PickedFile } from './connectivity-import.ts';
import { Task } from './task.svelte.ts';
import type { Service } from './task.svelte.ts';

const noFiles: ImportFiles = { certificate: null, key: null };

export class Renewal {
  done = $state.raw<CertificateReplacement | null>(null);
  readonly #service: Service;

  constructor(service: Service) {
    this.#service = service;
  }

  /** Rejects with a GatehouseError. */
  async renew(password: string): Promise<void> {
    this.done = await this.#service.call('certificate.renew', { password });
  }
}

export class ImportForm {
  files = $state.raw<ImportFiles>(noFiles);
  passphrase = $state('');
  password = $state('');
  done = $state.raw<CertificateReplacement | null>(null);
  readonly reading = new Task();
  readonly task = new Task();
  readonly #service: Service;
  readonly gap: 'certificate' | 'password' | null = $derived.by(() => {
    if (this.files.certificate === null) return 'certificate';
    return this.password === '' ? 'password' : null;
  });
  readonly passphrasePossible = $derived.by(
    () => this.files.certificate?.encrypted === true || this.files.key?.encrypted === true,
  );

  constructor(service: Service) {
    this.#service = service;
  }

  async add(picked: readonly PickedFile[]): Promise<void> {
    this.task.clear();
    const files = await this.reading.run(() => addFiles(this.files, picked));
    if (files !== undefined) this.files = files;
  }

  remove(which: keyof ImportFiles): void {
    this.files = { ...this.files, [which]: null };
    this.task.clear();
  }

  /** After a refusal the files stay, and a password that was right, so that a mistyped passphrase can be mended. */
  async submit(): Promise<void> {
    const { certificate, key } = this.files;
    if (this.gap !== null || certificate === null) return;
    const args = {
      password: this.password,
      file: certificate.base64,
      ...(key === null ? {} : { key: key.base64 }),
      ...(this.passphrase === '' ? {} : { passphrase: this.passphrase }),
    };
    const done = await this.task.run(() => this.#service.call('certificate.import', args));
    if (done !== undefined || this.task.problem?.code === 'superadmin_password_wrong') this.password = '';
    if (done === undefined) return;
    this.done = done;
    this.passphrase = '';
    this.files = noFiles;
  }
}
