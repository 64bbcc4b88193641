// Rows as a busy service would have them, for the inspector's bench: many clients of uneven weight, sessions of twenty
// requests, a few per cent of failures, rare values. The same number always gives the same row. Must open no file.
import type { RequestOutcome, RequestRow } from '../../../../shared/contracts/requests.ts';

const rpcNames = ['ping', 'echo', 'documents', 'http', 'tcp', 'documents.list', 'documents.get', 'chargen'];
const errorCodes = ['rpc_failed', 'timeout', 'truncated', 'rpc_bad_request'];
const defaultFirstSentAt = 1_790_000_000_000;

/** Milliseconds between two requests. */
export const everyMs = 600;

/** From 0 up to 1, by the number and a salt. */
function chance(index: number, salt: number): number {
  let value = Math.imul(index ^ (salt * 0x9e3779b9), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return ((value ^ (value >>> 16)) >>> 0) / 2 ** 32;
}

/** @param firstSentAt when request 0 came, milliseconds since the epoch */
export function benchRow(id: number, firstSentAt = defaultFirstSentAt): RequestRow {
  const session = Math.floor(id / 20);
  const client = Math.floor(chance(session, 1) ** 3 * 5000);
  const plain = chance(session, 2) < 0.05;
  const user = client % 1000;
  return {
    id,
    rpcName:
      id % 99_991 === 0 ? 'rare' : (rpcNames[Math.floor(chance(id, 3) ** 2 * rpcNames.length)] ?? 'ping'),
    clientId: `client-${client}@example.com`,
    serviceId: 'abcd-efgh-ijkl',
    domainName: chance(session, 4) < 0.9 ? 'PROD' : 'test',
    sentAt: firstSentAt + id * everyMs,
    h2MultiplexingUsed: chance(session, 5) < 0.9,
    ...(plain ? unprotected : protectedBy(session, user)),
  };
}

const unprotected = {
  e2eeUsed: false,
  sessionVerified: false,
  verifiedBy: 'none',
  tlsVersion: null,
  cipher: null,
  certificate: null,
  sessionId: null,
  tokenId: null,
  remoteUser: null,
} as const;

function protectedBy(session: number, user: number) {
  return {
    e2eeUsed: true,
    sessionVerified: chance(session, 6) < 0.7,
    verifiedBy: 'fingerprint',
    tlsVersion: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    certificate: { sha256: '7f'.repeat(32), pem: '-----BEGIN CERTIFICATE-----\nMA==\n' },
    sessionId: `s-${(session * 2_654_435_761) % 2 ** 40}`,
    tokenId: `token-${user}`,
    remoteUser: `user${user}`,
  } as const;
}

export function benchOutcome(id: number): RequestOutcome {
  const failed = chance(id, 7) < 0.03;
  const errorCode = failed ? (errorCodes[id % errorCodes.length] ?? null) : null;
  const durationMs = 0.2 / (1.0001 - chance(id, 8));
  const first = id % 20 === 0;
  return {
    status: errorCode === 'timeout' ? 'TIMED_OUT' : failed ? 'FAILED' : 'SUCCESS',
    durationMs,
    bytesRead: Math.floor(chance(id, 9) ** 4 * 1_000_000),
    bytesWritten: Math.floor(chance(id, 10) ** 4 * 10_000_000),
    errorCode,
    timing: {
      queueMs: durationMs * 0.05,
      handshakeMs: first ? 4 + chance(id, 11) : null,
      verificationMs: first ? 30 + chance(id, 12) : null,
      handlerMs: durationMs * 0.75,
      transferMs: durationMs * 0.2,
    },
  };
}
