// Renewing and importing a certificate: which files are taken, what is sent, what is let go of.
import { beforeEach, describe, expect, it } from 'vitest';
import { ImportForm, Renewal } from './connectivity-certificate.svelte.ts';
import { maxImportBytes } from './connectivity-import.ts';
import { ServiceDouble, refuse } from './service-double.ts';

let service: ServiceDouble;
beforeEach(() => {
  service = new ServiceDouble();
});

const replacement = { oldFingerprint: 'a'.repeat(64), newFingerprint: 'b'.repeat(64), sessionsOnOld: 2 };
const file = (name: string, bytes: string | number[]) =>
  new File([typeof bytes === 'string' ? bytes : new Uint8Array(bytes)], name);
const pem = file('service.pem', '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n');
const key = file(
  'service.key',
  '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n',
);
const p12 = file('service.p12', [0x30, 0x82, 0xff, 0x00]);

describe('Renewal', () => {
  it('has old and new once it is done', async () => {
    service.answers['certificate.renew'] = () => replacement;
    const renewal = new Renewal(service);
    await renewal.renew('pw');
    expect(renewal.done).toEqual(replacement);
    expect(service.calls).toEqual([{ name: 'certificate.renew', args: { password: 'pw' } }]);
  });

  it('is not done where the password was wrong', async () => {
    service.answers['certificate.renew'] = refuse('superadmin_password_wrong');
    const renewal = new Renewal(service);
    await expect(renewal.renew('pw')).rejects.toMatchObject({ code: 'superadmin_password_wrong' });
    expect(renewal.done).toBeNull();
  });
});

describe('ImportForm', () => {
  it('tells a certificate from its key whatever their order', async () => {
    const form = new ImportForm(service);
    await form.add([key, pem]);
    expect([form.files.certificate?.name, form.files.key?.name]).toEqual(['service.pem', 'service.key']);
    expect(form.passphrasePossible).toBe(true);
  });

  it('takes anything binary as PKCS#12, byte for byte, and lets go of a separate key', async () => {
    const form = new ImportForm(service);
    await form.add([key]);
    await form.add([p12]);
    expect(form.files).toMatchObject({ certificate: { kind: 'pkcs12', base64: 'MIL/AA==' }, key: null });
  });

  it.each([
    ['three files', [pem, key, p12]],
    ['an empty file', [file('empty.pem', '')]],
    ['a file over 1 MiB', [file('large.p12', new Array<number>(maxImportBytes + 1).fill(48))]],
  ])('refuses %s and keeps what was chosen before', async (_what, files) => {
    const form = new ImportForm(service);
    await form.add([pem]);
    await form.add(files);
    expect(form.reading.problem?.code).toBe('certificate_import_failed');
    expect(form.files.certificate?.name).toBe('service.pem');
  });

  it('sends the files and lets go of everything once it is done', async () => {
    service.answers['certificate.import'] = () => replacement;
    const form = new ImportForm(service);
    await form.add([pem, key]);
    Object.assign(form, { password: 'pw', passphrase: 'geheim' });
    await form.submit();
    expect(service.calls[0]?.args).toEqual({
      password: 'pw',
      file: btoa(await pem.text()),
      key: btoa(await key.text()),
      passphrase: 'geheim',
    });
    expect([form.password, form.passphrase, form.files.certificate, form.done]).toEqual([
      '',
      '',
      null,
      replacement,
    ]);
  });

  it('keeps files and password for another passphrase, but not a wrong password', async () => {
    const form = new ImportForm(service);
    await form.add([p12]);
    form.password = 'pw';
    service.answers['certificate.import'] = refuse('certificate_import_failed');
    await form.submit();
    expect([form.password, form.files.certificate?.name]).toEqual(['pw', 'service.p12']);
    service.answers['certificate.import'] = refuse('superadmin_password_wrong');
    await form.submit();
    expect(form.password).toBe('');
  });
});
