// The vectors that PROTOCOL.md names: the files are what the script makes, and the protocol's own two sides agree on them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  AgentSession,
  answerStart,
  fromBase64url,
  importIdentity,
  publicKeyOf,
  verify,
} from '../device/agent.ts';
import { answerStartWith } from '../device/agent-handshake.ts';
import { beginStartWith } from '../device/app-handshake.ts';
import { AppSession } from '../device/app-session.ts';
import { base64url, fromHex, hex, utf8, type Bytes } from '../device/bytes.ts';
import { decodeStart, decodeStartAnswer } from '../device/handshake.ts';
import { signDeterministically, fixedKey } from './deterministic-p256.ts';
import { deviceVectors, ephemeralPair, fixed } from './device-vectors.ts';
import { FakeClock } from './fake-clock.ts';

const folder = join(import.meta.dirname, 'vectors');
const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));

type Json = Readonly<Record<string, unknown>>;

interface Handshake {
  readonly startStatement: string;
  readonly startMessage: string;
  readonly startAnswer: string;
  readonly answerStatement: string;
}
interface Messages {
  readonly messages: readonly {
    readonly counter: number;
    readonly request: string;
    readonly answer: string;
    readonly requestPlaintext: string;
    readonly answerPlaintext: string;
  }[];
}

test('the files are what the script makes', async () => {
  const made = await deviceVectors();
  const names = readdirSync(folder).filter((name) => name.startsWith('device-'));
  expect(names.sort()).toEqual(Object.keys(made).sort());
  for (const [name, content] of Object.entries(made)) expect(read(name)).toEqual(content);
});

test('deterministic signatures are those of RFC 6979 A.2.5', async () => {
  const key = fixedKey(fromHex('c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721')!);
  expect(hex(await signDeterministically(key, utf8('sample')))).toBe(
    'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716' +
      'f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
  );
});

test('the agent answers the vector’s start, and both sides open the vectors’ messages', async () => {
  const { startMessage, startAnswer } = read('device-handshake.json') as Handshake;
  const { messages } = read('device-messages.json') as Messages;
  const [agent, device] = [await identity(fixed.agent), await identity(fixed.device)];
  const { sessionId, limits } = fixed;
  const message = fromHex(startMessage)!;
  const request = { identity: agent, ...fixed.facts, devicePublicKey: device, message, sessionId, limits };
  const agentFresh = { nonce: fixed.agentNonce, ephemeral: await ephemeralPair(fixed.agentEphemeral) };
  const started = await answerStartWith(request, agentFresh);
  const pending = await beginStartWith(
    { identity: device, agentPublicKey: agent, ...fixed.facts },
    {
      nonce: fixed.deviceNonce,
      ephemeral: await ephemeralPair(fixed.deviceEphemeral),
      signature: decodeStart(message)!.signature,
    },
  );
  expect(hex(pending.message)).toBe(startMessage);
  const finished = await pending.finish(fromHex(startAnswer)!, sessionId);
  expect(finished.limits).toEqual(limits);
  const agentSession = new AgentSession({ sessionId, keys: started.keys });
  const appSession = new AppSession({ sessionId, ...finished, clock: new FakeClock() });
  for (const { counter, request: sealed, answer, requestPlaintext, answerPlaintext } of messages) {
    const opened = await agentSession.open(fromHex(sealed)!);
    const { PayloadType, Payload, RequestId, FirstSession } = JSON.parse(requestPlaintext) as Json;
    const request = { payloadType: PayloadType, payload: Payload, requestId: RequestId };
    expect(opened).toEqual({
      counter,
      ...request,
      ...(FirstSession !== undefined && { firstSession: FirstSession }),
    });
    const { PayloadType: type, Payload: said } = JSON.parse(answerPlaintext) as Json;
    const answered = appSession.open(counter, fromHex(answer)!);
    if (type === 'Error') await expect(answered).rejects.toMatchObject(said as object);
    else expect(await answered).toEqual({ payloadType: type, payload: said });
  }
});

test('both signatures of the vectors verify, and under no other key', async () => {
  const file = read('device-handshake.json') as Handshake;
  const [agent, device] = [await publicKeyOf(fixed.agent.point), await publicKeyOf(fixed.device.point)];
  const start = decodeStart(fromHex(file.startMessage)!)!;
  const answer = decodeStartAnswer(fromHex(file.startAnswer)!)!;
  const [statement, answered] = [fromHex(file.startStatement)!, fromHex(file.answerStatement)!];
  expect(await verify(device, start.signature, statement)).toBe(true);
  expect(await verify(agent, start.signature, statement)).toBe(false);
  expect(await verify(agent, answer.signature, answered)).toBe(true);
  expect(await verify(device, answer.signature, answered)).toBe(false);
});

test('a start for another service, issuer, subject or agent does not verify', async () => {
  const { startMessage } = read('device-handshake.json') as Handshake;
  const [agent, device] = [await identity(fixed.agent), await identity(fixed.device)];
  const { sessionId, facts } = fixed;
  const right = {
    identity: agent,
    ...facts,
    devicePublicKey: device,
    message: fromHex(startMessage)!,
    sessionId,
  };
  expect((await answerStart(right)).nonce).toBe(base64url(fixed.deviceNonce));
  const wrongs = [
    { serviceId: 'abcd-efgh-ijkm' },
    { issuer: 'https://issuer.example' },
    { subject: 'bert' },
    { identity: device },
    { devicePublicKey: agent },
  ];
  for (const wrong of wrongs) {
    await expect(answerStart({ ...right, ...wrong })).rejects.toMatchObject({ code: 'device_start_invalid' });
  }
});

async function identity({
  scalar,
  point,
}: {
  readonly scalar: Bytes;
  readonly point: Bytes;
}): ReturnType<typeof importIdentity> {
  const [x, y, d] = [point.subarray(1, 33), point.subarray(33), scalar].map(base64url);
  expect(fromBase64url(d ?? '')).toEqual(scalar);
  return importIdentity({ kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '', d: d ?? '' });
}
