// Why a relay's certificate was not taken, told from the error of a TLS connection, and what a person can do about it. It
// must never be a reason to go on without one.

/** As OpenSSL and BoringSSL name them in Node. Browsers tell pages nothing of it. */
const untrusted =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_\w+|CERT_UNTRUSTED|CERT_\w+FAILURE)$/;
const wrong = /^(CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)$/;

/** Null where `error` is about something else. */
export function certificateRefusal(error: unknown): string | null {
  const { code, cause } = Object(error) as { code?: unknown; cause?: unknown };
  if (typeof code === 'string' && untrusted.test(code)) {
    return `No certificate authority that is trusted here has signed the relay's certificate (${code}). Where the relay has an authority of its own, give its certificate with --ca; otherwise somebody may be in between.`;
  }
  if (typeof code === 'string' && wrong.test(code)) {
    return `The relay's certificate is not good for its address and this day (${code}). Check the address and this machine's clock, and ask whoever runs the relay.`;
  }
  return cause === undefined ? null : certificateRefusal(cause);
}
