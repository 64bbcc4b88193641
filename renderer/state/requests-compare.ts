// Two requests side by side: every fact of both, and whether they differ. Pure; words for the facts are the page's.
import type { CapturedPayload, RequestDetail } from '../../shared/contracts/console/models.ts';

export type FactName =
  | 'status'
  | 'rpc'
  | 'client'
  | 'user'
  | 'sent'
  | 'duration'
  | 'read'
  | 'written'
  | 'error'
  | 'message'
  | 'e2ee'
  | 'verified'
  | 'by'
  | 'tls'
  | 'cipher'
  | 'fingerprint'
  | 'session'
  | 'token'
  | 'kind'
  | 'device'
  | 'issuer'
  | 'subject'
  | 'counter'
  | 'h2'
  | 'queue'
  | 'handshake'
  | 'verification'
  | 'handler'
  | 'transfer'
  | 'request'
  | 'answer'
  | 'note';

export type FactValue =
  | { readonly kind: 'text'; readonly text: string | null }
  | { readonly kind: 'yesNo'; readonly yes: boolean }
  | { readonly kind: 'session'; readonly session: RequestDetail['sessionKind'] }
  | { readonly kind: 'duration' | 'bytes' | 'time'; readonly value: number | null };

export interface ComparedFact {
  readonly name: FactName;
  readonly left: FactValue;
  readonly right: FactValue;
  readonly same: boolean;
}

const text = (value: string | null): FactValue => ({ kind: 'text', text: value });
const yesNo = (yes: boolean): FactValue => ({ kind: 'yesNo', yes });
const duration = (value: number | null): FactValue => ({ kind: 'duration', value });
const bytes = (value: number | null): FactValue => ({ kind: 'bytes', value });

const facts: Readonly<Record<FactName, (detail: RequestDetail) => FactValue>> = {
  status: (detail) => text(detail.status),
  rpc: (detail) => text(detail.rpcName),
  client: (detail) => text(detail.clientId),
  user: (detail) => text(detail.remoteUser),
  sent: (detail) => ({ kind: 'time', value: detail.sentAt }),
  duration: (detail) => duration(detail.durationMs),
  read: (detail) => bytes(detail.bytesRead),
  written: (detail) => bytes(detail.bytesWritten),
  error: (detail) => text(detail.errorCode ?? detail.rejectionCode),
  message: (detail) => text(detail.rejectionMessage),
  e2ee: (detail) => yesNo(detail.e2eeUsed),
  verified: (detail) => yesNo(detail.sessionVerified),
  by: (detail) => text(detail.verifiedBy),
  tls: (detail) => text(detail.tlsVersion),
  cipher: (detail) => text(detail.cipher),
  fingerprint: (detail) => text(detail.certificate?.sha256 ?? null),
  session: (detail) => text(detail.sessionId),
  token: (detail) => text(detail.tokenId),
  kind: (detail) => ({ kind: 'session', session: detail.sessionKind }),
  device: (detail) => text(detail.device?.fingerprint ?? null),
  issuer: (detail) => text(detail.device?.issuer ?? null),
  subject: (detail) => text(detail.device?.subject ?? null),
  counter: (detail) => text(detail.device?.counter?.toString() ?? null),
  h2: (detail) => yesNo(detail.h2MultiplexingUsed),
  queue: (detail) => duration(detail.timing.queueMs),
  handshake: (detail) => duration(detail.timing.handshakeMs),
  verification: (detail) => duration(detail.timing.verificationMs),
  handler: (detail) => duration(detail.timing.handlerMs),
  transfer: (detail) => duration(detail.timing.transferMs),
  request: (detail) => text(payloadText(detail.payloads, 'request')),
  answer: (detail) => text(payloadText(detail.payloads, 'answer')),
  note: (detail) => text(detail.note),
};

export function compareRequests(left: RequestDetail, right: RequestDetail): ComparedFact[] {
  return (Object.keys(facts) as FactName[])
    .map((name) => {
      const values = { left: facts[name](left), right: facts[name](right) };
      return { name, ...values, same: JSON.stringify(values.left) === JSON.stringify(values.right) };
    })
    .filter(({ left, right }) => !isNothing(left) || !isNothing(right));
}

function isNothing(value: FactValue): boolean {
  if (value.kind === 'yesNo' || value.kind === 'session') return false;
  return (value.kind === 'text' ? value.text : value.value) === null;
}

function payloadText(
  payloads: readonly CapturedPayload[],
  direction: CapturedPayload['direction'],
): string | null {
  const payload = payloads.find((one) => one.direction === direction);
  return payload === undefined ? null : (payload.text ?? payload.base64);
}
