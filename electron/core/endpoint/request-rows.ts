// What the request log is told about a request before it runs: whose it is and how it came. Must hold nothing of
// what was asked.
import type { RequestRow } from '../../../shared/contracts/requests.ts';
import type { EndpointSession } from './session.ts';

/** What all rows of a service have in common. */
export interface RowSource {
  readonly serviceId: string;
  /** The relay's word. */
  readonly domainName: () => string;
}

export function requestRow(
  { serviceId, domainName }: RowSource,
  id: number,
  rpcName: string,
  session: EndpointSession,
  counter: number | null = null,
): RequestRow {
  const { facts, verification } = session;
  return {
    id,
    rpcName,
    clientId: facts.clientId,
    serviceId,
    domainName: domainName(),
    sentAt: Date.now(),
    h2MultiplexingUsed: facts.h2,
    sessionVerified: session.sessionVerified,
    tokenId: verification?.tokenId ?? null,
    remoteUser: verification?.remoteUser ?? facts.device?.subject ?? null,
    ...e2eeFields(session),
    ...deviceFields(session, counter),
  };
}

type E2eeFields = Pick<
  RequestRow,
  'e2eeUsed' | 'verifiedBy' | 'tlsVersion' | 'cipher' | 'certificate' | 'sessionId'
>;

const withoutE2ee: E2eeFields = {
  e2eeUsed: false,
  verifiedBy: 'none',
  tlsVersion: null,
  cipher: null,
  certificate: null,
  sessionId: null,
};

const ofDeviceSession: Omit<E2eeFields, 'sessionId'> = {
  e2eeUsed: true,
  verifiedBy: 'fingerprint',
  tlsVersion: null,
  cipher: 'AES-256-GCM',
  certificate: null,
};

function deviceFields(
  { facts: { device } }: EndpointSession,
  counter: number | null,
): Pick<RequestRow, 'device'> {
  if (device === undefined) return {};
  const { fingerprint, issuer, subject } = device;
  return { device: { fingerprint, issuer, subject, counter } };
}

function e2eeFields({ facts: { id, tls, device }, verifiedBy, e2eeUsed }: EndpointSession): E2eeFields {
  if (!e2eeUsed) return device === undefined || id === '' ? withoutE2ee : { ...withoutE2ee, sessionId: id };
  // What the device signs names our key, so it has been checked by its fingerprint.
  if (tls === null) return { ...ofDeviceSession, sessionId: id };
  const { version, cipher, certificate } = tls;
  return { e2eeUsed: true, verifiedBy, tlsVersion: version, cipher, certificate, sessionId: id };
}
