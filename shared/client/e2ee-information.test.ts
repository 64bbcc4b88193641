// What a person and a program are shown of how a request was protected.
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { GatehouseError } from '../contracts/errors.ts';
import { makeTestCertificate } from '../testing/test-certificate.ts';
import { ClientRequest } from './client-request.ts';
import type { SessionFacts } from './e2ee-information.ts';

const { cert: pem } = makeTestCertificate('end-to-end-encrypted-service');
const names = { clientId: 'anna', serviceId: 'abcd-efgh-2345', domainName: 'PROD' };
const tls = {
  sha256: 'ab'.repeat(32),
  pem,
  tlsVersion: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  verifiedBy: 'fingerprint',
};
const encrypted = { ...names, tls, plaintextReason: null } as SessionFacts;
const plain: SessionFacts = { ...names, tls: null, plaintextReason: 'e2ee_not_available' };

describe('E2EE information', () => {
  it("is a table in the seed's names and order, with the relay's words labelled", () => {
    const request = new ClientRequest('ping', encrypted, true, true);
    request.finish(null);
    expect(request.e2ee.toTable()).toEqual([
      ['request', "ClientRequest(status='SUCCESS', rpc_name='ping')"],
      ['client_id', "anna (the relay's word)"],
      ['service_id', 'abcd-efgh-2345'],
      ['domain_name', "PROD (the relay's word)"],
      ['e2ee_used', 'true'],
      ['sha256_hash_hexdigest', 'ab'.repeat(32)],
      ['x509_certificate', '<Certificate(subject=<Name(CN=end-to-end-encrypted-service)>, ...)>'],
      ['tls_version', 'TLSv1.3'],
      ['cipher', 'TLS_AES_256_GCM_SHA384'],
      ['verified_by', 'fingerprint'],
      ['session_verified', 'true'],
    ]);
    expect(inspect(request.e2ee)).toMatch(/^-{21} {2}-+\nrequest {16}ClientRequest\(/);
  });

  it('is JSON in camelCase, the certificate as PEM', () => {
    const request = new ClientRequest('ping', encrypted, true, false);
    expect(JSON.parse(JSON.stringify(request))).toEqual({
      rpcName: 'ping',
      status: 'RUNNING',
      clientId: 'anna',
      serviceId: 'abcd-efgh-2345',
      sentAt: request.sentAt.toISOString(),
      durationMs: expect.any(Number) as number,
      bytesRead: 0,
      bytesWritten: 0,
      h2MultiplexingUsed: true,
      e2ee: {
        request: "ClientRequest(status='RUNNING', rpc_name='ping')",
        clientId: 'anna',
        serviceId: 'abcd-efgh-2345',
        domainName: 'PROD',
        e2eeUsed: true,
        sha256HashHexdigest: 'ab'.repeat(32),
        x509Certificate: pem,
        tlsVersion: 'TLSv1.3',
        cipher: 'TLS_AES_256_GCM_SHA384',
        verifiedBy: 'fingerprint',
        sessionVerified: false,
      },
    });
  });

  it('says why a request went in the clear, and claims nothing for it', () => {
    const { e2ee } = new ClientRequest('ping', plain, false, false);
    expect(e2ee.toJSON()).toMatchObject({
      e2eeUsed: false,
      sha256HashHexdigest: null,
      x509Certificate: null,
      tlsVersion: null,
      cipher: null,
      verifiedBy: 'none',
      sessionVerified: false,
      plaintextReason: 'e2ee_not_available',
    });
    expect(e2ee.toTable().at(-1)).toEqual(['plaintext_reason', 'e2ee_not_available']);
  });

  it('lets no control character of a certificate or a relay reach the terminal', () => {
    const evil = makeTestCertificate('a\u001b[2J\nCN=trusted\u202e').cert;
    const facts = {
      ...encrypted,
      domainName: 'PROD\u001b[1A\u009b',
      tls: { ...tls, pem: evil },
    } as SessionFacts;
    expect(new ClientRequest('ping', facts, true, false).e2ee.toString().replaceAll('\n', '')).not.toMatch(
      /[\p{Cc}\p{Cf}]/u,
    );
  });
});

describe('a request', () => {
  it.each([
    ['cancelled', 'CANCELLED'],
    ['timeout', 'TIMED_OUT'],
    ['truncated', 'INTERRUPTED'],
    ['session_ended', 'INTERRUPTED'],
    ['e2ee_required', 'REJECTED'],
    ['access_token_rejected', 'REJECTED'],
    ['rpc_failed', 'FAILED'],
    ['internal', 'FAILED'],
  ] as const)('that ended with %s is %s, for good', (code, status) => {
    const request = new ClientRequest('ping', encrypted, true, false);
    request.finish(new GatehouseError(code, 'It went wrong.'));
    request.finish(null);
    expect(request).toMatchObject({ status, errorCode: code });
  });
});
