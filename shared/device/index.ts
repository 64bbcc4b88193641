// What an app takes from the session protocol: the seed's KeyStore, Device and Session, and what they speak of. WebCrypto
// and fetch alone, so that the same files run in a browser, in Node and in Electron.
export { exportDeviceKey, importDeviceKey, type DeviceKey, type ExportedDeviceKey } from './device-key.ts';
export { Device, type Agent, type DeviceOptions, type RegisterOptions } from './device.ts';
export { askForDocument, type DocumentToDownload, type WantedDocument } from './document-answer.ts';
export { saveDocument, type SaveOptions } from './documents.ts';
export { type DocumentKey, type DownloadOptions } from './document-download.ts';
export { fingerprintOf, publicKeyFromJwk, type PublicKey } from './identity.ts';
export { indexedDbKeys } from './indexed-db.ts';
export { KeyStore, memoryKeys, type KeyStoreBackend } from './key-store.ts';
export { maxDeviceSessionLimits, type DeviceSessionLimits } from './limits.ts';
export { isAgentError } from './payload.ts';
export { oncePrepared, type Preparing } from './preparing.ts';
export { Session, type RequestOptions } from './session.ts';
export type { StreamedAnswer } from './streamed-answer.ts';
export { userOf, type TokenProvider, type TokenUser } from './token-provider.ts';
