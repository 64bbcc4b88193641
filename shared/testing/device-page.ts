// What the tests' page in Chromium can do, for Playwright to call: the third-party cases, the protocol's own vectors, and a
// key store in IndexedDB. Bundled by build/device-page.mjs.
import { newIdentity, publicKeyOf, verify } from '../device/agent.ts';
import { utf8 } from '../device/bytes.ts';
import { sign } from '../device/identity.ts';
import { exportDeviceKey, KeyStore } from '../device/index.ts';
import { deviceVectors, fixed } from './device-vectors.ts';
import { runWycheproof } from './wycheproof.ts';

/** Makes a device's key and keeps it. Answers its fingerprint. */
async function keepKey(): Promise<string> {
  const keys = new KeyStore('tests');
  await keys.prepare();
  const identity = await newIdentity();
  const agent = await publicKeyOf(fixed.agent.point);
  keys.add('Tests', { identity, agent, ...fixed.facts, proved: false });
  await keys.postpare();
  return identity.fingerprint;
}

/** What a page that was loaded again finds, and whether anything can read the private key. */
async function findKey(): Promise<unknown> {
  const keys = new KeyStore('tests');
  await keys.prepare();
  if (!keys.contains('Tests')) return null;
  const key = keys.get('Tests');
  const { identity, agent, serviceId } = key;
  const data = utf8('any');
  return {
    fingerprint: identity.fingerprint,
    agent: agent.fingerprint,
    serviceId,
    signs: await verify(identity, await sign(identity, data), data),
    extractable: identity.keys.privateKey.extractable,
    exported: await exportDeviceKey(key).then(
      () => 'exported',
      (error: unknown) => (error as { readonly code: string }).code,
    ),
  };
}

const page = { runWycheproof, deviceVectors, keepKey, findKey };
export type DevicePage = typeof page;

Object.assign(globalThis, { devicePage: page });
