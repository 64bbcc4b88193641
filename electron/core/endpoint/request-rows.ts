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
    sessionVerified: verification !== null,
    tokenId: verification?.tokenId ?? null,
    remoteUser: verification?.remoteUser ?? null,
    ...e2eeFields(session),
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

function e2eeFields({ facts: { id, tls }, verifiedBy }: EndpointSession): E2eeFields {
  if (tls === null) return withoutE2ee;
  const { version, cipher, certificate } = tls;
  return { e2eeUsed: true, verifiedBy, tlsVersion: version, cipher, certificate, sessionId: id };
}
