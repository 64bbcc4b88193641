// The client library: reach a service through a relay, end-to-end encrypted and verified.
//   const client = await login({ relay: 'wss://relay.example', relayToken });
//   const service = await client.serviceCloud(serviceId, { e2eeFingerprint, accessToken });
//   const answer = await service.call('ping');
// Everything else in this folder is its inside, and may change.
export { login } from './login.ts';
export type { LoginOptions, RelayOptions } from './login.ts';
export { listOnlineServices } from './online-services.ts';
export type { OnlineService, OnlineServices } from './online-services.ts';
export { SignIn, ssoLogin } from './oidc/index.ts';
export type { DeviceCode, IssuerOptions, SsoLoginOptions, TokenSet } from './oidc/index.ts';
export type { TokenSource } from './relay-connection.ts';
export type { Client } from './client.ts';
export { downloadDocument, uploadDocument } from './documents.ts';
export type { DocumentDownload, DocumentPlace, DownloadedVersion } from './documents.ts';
export type { Service } from './service.ts';
export type { ServiceCredentials } from './credentials.ts';
export type { UseE2eeDefault } from './establish.ts';
export type { ClientTimeouts } from './limits.ts';
export type { CallOptions, StreamedResult, StreamOptions } from './rpc.ts';
export type { BodySource } from './pour.ts';
export type { ClientRequest, ClientRequestJson } from './client-request.ts';
export type { E2EEInformation, E2EEInformationJson, PlaintextReason } from './e2ee-information.ts';
export { collectBuffersEarly } from '../net/garbage.ts';
