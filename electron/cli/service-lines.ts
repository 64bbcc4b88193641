// What a person at the terminal is told of a service that has started, in whichever way: who it is, how to check it, and
// that a certificate was made, since clients then need its fingerprint.
import type { RunningService } from '../core/app.ts';
import { formatFingerprintColons } from '../../shared/contracts/fingerprint.ts';

export function serviceLines(service: RunningService, relay: string): string[] {
  const made = '*** A new E2EE certificate was made: there was none in the data folder. ***';
  return [
    ...(service.certificateCreated ? ['', made, ''] : []),
    `Service      ${service.serviceId}`,
    `Relay        ${relay}`,
    'Fingerprint  SHA-256 of the E2EE certificate; give it to clients securely, never through the relay:',
    `             ${formatFingerprintColons(service.fingerprint)}`,
  ];
}
