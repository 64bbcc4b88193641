// The seed's Device and KeyStore: whom an app trusts, what it keeps, and when it stops.
import { describe, expect, test } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { problem, ScriptedAgent, serviceId, subject, tokens, issuer } from '../testing/scripted-agent.ts';
import {
  exportIdentity,
  formatRegistrationCode,
  importIdentity,
  newIdentity,
  newRegistrationCode,
  parseRegistrationCode,
  publicKeyFromJwk,
  registrationProof,
  sign,
  verify,
  verifyRegistrationProof,
} from './agent.ts';
import { newBlobKey } from './agent.ts';
import { blobLength, encryptBlob } from './blobs.ts';
import { concat, fromBase64url, utf8, type Bytes } from './bytes.ts';
import {
  Device,
  exportDeviceKey,
  importDeviceKey,
  indexedDbKeys,
  KeyStore,
  memoryKeys,
  userOf,
  type KeyStoreBackend,
} from './index.ts';

const relay = 'https://relay.example';

async function world(): Promise<{ readonly agent: ScriptedAgent; readonly device: Device }> {
  const agent = await ScriptedAgent.create();
  return {
    agent,
    device: new Device(tokens, { relay, serviceId, fetch: agent.fetch, clock: new FakeClock() }),
  };
}

describe('the agent’s information', () => {
  test.each([
    ['a fingerprint that is not the key’s', { fingerprint: 'a'.repeat(64) }],
    ['another service', { serviceId: 'zzzz-zzzz-zzzz' }],
    ['no name', { name: 7 }],
  ])('with %s is refused', async (_, wrong) => {
    const { agent, device } = await world();
    agent.relay = async (call, pass) =>
      Response.json({ ...((await (await pass(call)).json()) as object), ...wrong });
    await expect(device.loadAgentInfo()).rejects.toMatchObject({ code: 'relay_protocol' });
  });

  test.each([
    ['no key', undefined],
    ['a point off the curve', { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) }],
    ['a short coordinate', { kty: 'EC', crv: 'P-256', x: 'AA', y: 'A'.repeat(43) }],
    ['another curve', { kty: 'EC', crv: 'P-384', x: 'A'.repeat(43), y: 'A'.repeat(43) }],
    ['another form of base64', { kty: 'EC', crv: 'P-256', x: `${'A'.repeat(42)}B`, y: 'A'.repeat(43) }],
  ])('with %s is refused', async (_, publicKey) => {
    await expect(publicKeyFromJwk(publicKey)).rejects.toMatchObject({ code: 'device_key_invalid' });
  });

  test('has to be loaded before a device registers', async () => {
    const { agent, device } = await world();
    await expect(device.registerAs('Tests')).rejects.toMatchObject({ code: 'usage' });
    expect(agent.calls).toHaveLength(0);
  });
});

describe('registration with a code', () => {
  test('confirms both sides at once, and the code is not sent', async () => {
    const { agent, device } = await world();
    const code = newRegistrationCode();
    agent.registrationCode = code;
    await device.loadAgentInfo();
    const key = await device.registerAs('Tests', { code: formatRegistrationCode(code) });
    expect(key.proved).toBe(true);
    const sent = agent.calls.map(({ body }) => new TextDecoder().decode(body)).join('');
    expect(sent).not.toContain(formatRegistrationCode(code).replaceAll('-', ''));
  });

  test('that the agent does not know is refused, on both sides', async () => {
    const { agent, device } = await world();
    agent.registrationCode = newRegistrationCode();
    await device.loadAgentInfo();
    const code = formatRegistrationCode(newRegistrationCode());
    await expect(device.registerAs('Tests', { code })).rejects.toMatchObject({
      code: 'registration_code_invalid',
    });
    agent.relay = async () => Response.json({ status: 'confirmed', proof: 'A'.repeat(43) });
    await expect(device.registerAs('Tests', { code })).rejects.toMatchObject({ code: 'AGENT_NOT_AUTHENTIC' });
  });

  test('whose own proof comes back is not taken for the agent’s', async () => {
    const { agent, device } = await world();
    await device.loadAgentInfo();
    const code = formatRegistrationCode(newRegistrationCode());
    agent.relay = async ({ body }) => {
      const { Proof } = JSON.parse(new TextDecoder().decode(body)) as { readonly Proof: string };
      return Response.json({ status: 'confirmed', proof: Proof });
    };
    await expect(device.registerAs('Tests', { code })).rejects.toMatchObject({ code: 'AGENT_NOT_AUTHENTIC' });
  });

  test('binds role, service, user and both keys', async () => {
    const [agentPoint, devicePoint] = [(await newIdentity()).point, (await newIdentity()).point];
    const facts = { serviceId, issuer, subject, agentPoint, devicePoint };
    const code = newRegistrationCode();
    const proof = await registrationProof('device', code, facts);
    expect(await verifyRegistrationProof('device', code, facts, proof)).toBe(true);
    const others = [
      { serviceId: 'x' },
      { issuer: 'x' },
      { subject: 'x' },
      { agentPoint: devicePoint },
      { devicePoint: agentPoint },
      { issuer: `${issuer}x`.slice(0, -1) + subject, subject: '' },
    ];
    for (const other of others) {
      expect(await verifyRegistrationProof('device', code, { ...facts, ...other }, proof)).toBe(false);
    }
    expect(await verifyRegistrationProof('agent', code, facts, proof)).toBe(false);
    expect(await verifyRegistrationProof('device', newRegistrationCode(), facts, proof)).toBe(false);
    for (const text of ['', 'x', `${proof}A`]) {
      expect(await verifyRegistrationProof('device', code, facts, text)).toBe(false);
    }
  });

  test('reads codes as people write them', () => {
    const code = newRegistrationCode();
    const text = formatRegistrationCode(code);
    for (const form of [
      text,
      text.toUpperCase(),
      ` ${text.replaceAll('-', ' ')}\n`,
      text.replaceAll('-', ''),
    ]) {
      expect(parseRegistrationCode(form)).toEqual(code);
    }
    for (const form of ['', text.slice(1), `${text}0`, 'g'.repeat(32), '0'.repeat(5000)]) {
      expect(() => parseRegistrationCode(form)).toThrow(/32 hexadecimal digits/);
    }
  });
});

describe('a key store', () => {
  test('finds after postpare what was added, and nothing before prepare', async () => {
    const { device } = await world();
    await device.loadAgentInfo();
    const backend = memoryKeys();
    const keys = new KeyStore('local-keys', backend);
    expect(() => keys.contains('Tests')).toThrow(expect.objectContaining({ code: 'usage' }) as Error);
    await keys.prepare();
    expect(() => keys.get('Tests')).toThrow(
      expect.objectContaining({ code: 'device_keys_missing' }) as Error,
    );
    keys.add('Tests', await device.registerAs('Tests'));
    await keys.postpare();
    const again = new KeyStore('local-keys', backend);
    await again.prepare();
    expect([again.contains('Tests'), again.names()]).toEqual([true, ['Tests']]);
    again.remove('Tests');
    await again.postpare();
    await keys.prepare();
    expect(keys.contains('Tests')).toBe(false);
  });

  test('that encrypts by itself gets keys that can be exported, and no other does', async () => {
    const { agent, device } = await world();
    await device.loadAgentInfo();
    const encrypting: KeyStoreBackend = { ...memoryKeys(), extractable: true };
    const keys = new KeyStore('scripts', encrypting);
    const key = await device.registerAs('Tests', { extractable: keys.extractable });
    const imported = await importDeviceKey(await exportDeviceKey(key));
    expect([imported.identity.fingerprint, imported.agent]).toEqual([key.identity.fingerprint, key.agent]);
    expect(await (await device.login(imported)).request('read')).toBe(null);
    const sealed = await device.registerAs('Tests', {
      extractable: new KeyStore('x', memoryKeys()).extractable,
    });
    await expect(exportDeviceKey(sealed)).rejects.toMatchObject({ code: 'device_keys_missing' });
    expect(agent.sessions.size).toBe(1);
  });

  test('says where there is no IndexedDB', async () => {
    await expect(indexedDbKeys().load('x')).rejects.toMatchObject({ code: 'storage_failed' });
  });
});

describe('an identity', () => {
  test('is the same after PKCS #8 and signs as before', async () => {
    const identity = await newIdentity({ extractable: true });
    const again = await importIdentity(await exportIdentity(identity));
    expect(again.fingerprint).toBe(identity.fingerprint);
    expect(await verify(identity, await sign(again, utf8('x')), utf8('x'))).toBe(true);
    await expect(exportIdentity(again)).rejects.toMatchObject({ code: 'device_keys_missing' });
    await expect(importIdentity(new Uint8Array(9))).rejects.toMatchObject({ code: 'device_keys_missing' });
  });
});

describe('tokens', () => {
  test('say who the user is, or are refused', () => {
    expect(userOf(`e30.${btoa('{"iss":"i","sub":"s"}').replaceAll('=', '')}.x`)).toEqual({
      issuer: 'i',
      subject: 's',
    });
    for (const token of ['', 'opaque', 'a.b.c', `e30.${btoa('{"iss":1}').replaceAll('=', '')}.x`]) {
      expect(() => userOf(token)).toThrow(expect.objectContaining({ code: 'oidc_token_rejected' }) as Error);
    }
  });

  test('that the relay refuses are renewed once', async () => {
    const { agent } = await world();
    const asked: boolean[] = [];
    const provider = {
      token: async (options?: { readonly renew?: boolean }): Promise<string> => {
        asked.push(options?.renew === true);
        return tokens.token();
      },
    };
    const device = new Device(provider, { relay, serviceId, fetch: agent.fetch });
    agent.relay = async () => problem({ code: 'oidc_token_rejected', message: 'Old.' }, 401);
    await expect(device.loadAgentInfo()).rejects.toMatchObject({ code: 'oidc_token_rejected' });
    expect(asked).toEqual([false, true]);
  });
});

test('a download goes on behind a broken connection, from the chunk that is missing', async () => {
  const length = 300_000;
  const content = Uint8Array.from({ length }, (_, at) => at & 0xff);
  const document = { blob: 'A'.repeat(22), key: newBlobKey(), version: 'v', length };
  const parts: Bytes[] = [];
  for await (const part of encryptBlob(document.key, document, [content])) parts.push(part);
  const sealed = concat(...parts);
  const ranges: (string | null)[] = [];
  const fetch = async (_: unknown, init: RequestInit = {}): Promise<Response> => {
    const range = new Headers(init.headers).get('range');
    ranges.push(range);
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')?.[1]);
    return new Response(sealed.slice(from, from + 100_000), { status: from === 0 ? 200 : 206 });
  };
  const device = new Device(tokens, { relay, serviceId, fetch });
  const got: Bytes[] = [];
  for await (const part of device.download(document)) got.push(part);
  expect(concat(...got)).toEqual(content);
  expect(ranges).toEqual([null, 'bytes=65552-', 'bytes=131104-', 'bytes=196656-', 'bytes=262208-']);
  expect(sealed).toHaveLength(blobLength(length));
  expect(fromBase64url('A'.repeat(22))).not.toBeNull();
});
