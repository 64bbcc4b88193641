// Which names have secret values. Names are compared without case, separators and JSON escapes, so that `apiKey`,
// `API-KEY` and `api_key` are one. Pure.

/** Always secret, in normal form. */
const alwaysSecret = ['password', 'passphrase', 'token', 'secret', 'authorization', 'cookie', 'apikey'];
/** Secret as the last word of a name: `key`, `privateKey`, `SSH_KEY`, but not `monkey`. */
const keyAsLastWord = /(?:^|[^A-Za-z])[Kk](?:ey|EY)$|[a-z0-9]Key$/;

export function normalName(name: string): string {
  return decodeEscapes(name)
    .replace(/[\s_.\\-]/g, '')
    .toLowerCase();
}

/** Whether the value of this member is secret: `accessToken` and `client_secret` end as `token` and `secret` do. */
export function isSecretName(name: string, names: ReadonlySet<string>): boolean {
  const normal = normalName(name);
  return (
    names.has(normal) ||
    alwaysSecret.some((secret) => normal.endsWith(secret)) ||
    keyAsLastWord.test(decodeEscapes(name))
  );
}

/** The name itself, nothing that only ends like it. */
export function isExactSecretName(name: string, names: ReadonlySet<string>): boolean {
  const normal = normalName(name);
  return names.has(normal) || alwaysSecret.includes(normal);
}

function decodeEscapes(name: string): string {
  return name.replace(/\\+u([0-9a-f]{4})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
