// Renewing and importing the end-to-end certificate.
import type { CertificateReplacement } from '../../../shared/contracts/console/models.ts';
import type { AuditAction } from '../../../shared/contracts/console/models.ts';
import { asGatehouseError } from '../../../shared/contracts/errors.ts';
import { importCertificate, renewCertificate } from '../certificates/certificate-store.ts';
import type { CertificateReplacement as Replaced, OnReplace } from '../certificates/certificate-store.ts';
import type { CertificateImport } from '../certificates/import.ts';
import type { CallContext, CallsOf, ConsoleParts, Handlers } from './call-context.ts';

export function certificateHandlers(parts: ConsoleParts): Handlers<CallsOf<'certificate'>> {
  const { dataFolder } = parts.installation;
  return {
    'certificate.renew': async ({ password }, context) => {
      const secrets = await parts.password.open(context.session, password);
      return replace(parts, context, 'certificate.renewed', (onReplace) =>
        renewCertificate(dataFolder, secrets, onReplace),
      );
    },
    'certificate.import': async ({ password, file, key, passphrase }, context) => {
      const secrets = await parts.password.open(context.session, password);
      const source = importSource(file, key, passphrase);
      return replace(parts, context, 'certificate.imported', (onReplace) =>
        importCertificate(dataFolder, secrets, source, onReplace),
      );
    },
  };
}

async function replace(
  { installation, audit, changes }: ConsoleParts,
  { session: { actor } }: CallContext,
  action: Extract<AuditAction, 'certificate.renewed' | 'certificate.imported'>,
  run: (onReplace: OnReplace) => Promise<Replaced>,
): Promise<CertificateReplacement> {
  const { service } = installation;
  try {
    const replaced = await run(async ({ oldFingerprint, newFingerprint }) => {
      await audit.record({
        action,
        actor,
        subject: newFingerprint,
        old: oldFingerprint,
        value: newFingerprint,
      });
      changes.expectFingerprint(newFingerprint);
    });
    await service.data.certificates.refresh();
    const sessionsOnOld = service.sessions.live().filter(({ facts }) => {
      return facts.tls !== null && facts.tls.certificate.sha256 === replaced.oldFingerprint;
    }).length;
    return { ...replaced, sessionsOnOld };
  } catch (error) {
    const { code, message } = asGatehouseError(error);
    if (action === 'certificate.imported') {
      audit.note({ action: 'certificate.import_failed', actor, subject: 'certificate', code, message });
    }
    throw error;
  }
}

function importSource(
  file: string,
  key: string | undefined,
  passphrase: string | undefined,
): CertificateImport {
  const content = Buffer.from(file, 'base64');
  const secret = passphrase === undefined || passphrase === '' ? {} : { passphrase };
  if (!content.includes('-----BEGIN')) return { pkcs12: content, ...secret };
  return { pem: content, ...(key === undefined ? {} : { key: Buffer.from(key, 'base64') }), ...secret };
}
