// Signing in with OpenID Connect, and the sign-in as a credential for the relay:
//   const tokens = await ssoLogin({ issuer, clientId, openBrowser });
//   const oidc = await SignIn.keep(folder, relay, { issuer, clientId }, tokens);
//   const client = await login({ relay, oidc });
// Everything else in this folder is its inside, and may change.
export { ssoLogin } from './sso-login.ts';
export type { DeviceCode, SsoLoginOptions } from './sso-login.ts';
export { SignIn } from './sign-in.ts';
export type { IssuerOptions } from './issuer.ts';
export type { TokenSet } from './tokens.ts';
