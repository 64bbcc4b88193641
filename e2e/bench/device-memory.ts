// Memory of live sessions: the agent's state of each (keys, window of replays, life), made by a real handshake and a first
// request in this process, between two full collections. What the service keeps beside it (rows, facts for the console) is not in it.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { AgentSession, answerStart, newIdentity, steadyClock } from '../../shared/device/agent.ts';
import { beginStart } from '../../shared/device/app-handshake.ts';
import { AppSession } from '../../shared/device/app-session.ts';
import { newRequestId } from '../../shared/device/payload.ts';
import type { DeviceRow } from './device-measures.ts';

export async function memoryOfSessions(count: number): Promise<DeviceRow[]> {
  const [agent, app] = await Promise.all([newIdentity(), newIdentity()]);
  const facts = { serviceId: 'abcd-efgh-2345', issuer: 'https://login.example', subject: 'bench' };
  const open = async (at: number): Promise<AgentSession> => {
    const start = await beginStart({ identity: app, agentPublicKey: agent, ...facts });
    const sessionId = `bench-session-${String(at).padStart(8, '0')}`;
    const request = { identity: agent, devicePublicKey: app, message: start.message, sessionId, ...facts };
    const { answer, keys } = await answerStart(request);
    const session = new AgentSession({ sessionId, keys });
    const client = new AppSession({
      sessionId,
      ...(await start.finish(answer, sessionId)),
      clock: steadyClock(),
    });
    const ping = { payloadType: 'ping', payload: null, requestId: newRequestId() };
    const { counter } = await session.open(await client.seal(client.take() ?? 0, ping));
    await session.seal(counter, ping);
    client.end();
    if (session.state !== 'live') throw new Error('a session is not live');
    return session;
  };
  (await open(0)).end();
  const before = await settledMemory();
  const sessions: AgentSession[] = [];
  while (sessions.length < count) {
    sessions.push(
      ...(await Promise.all(Array.from({ length: 100 }, (_none, at) => open(sessions.length + at)))),
    );
  }
  const kib = ((await settledMemory()) - before) / 1024;
  for (const session of sessions) session.end();
  const row = { client: null, plain: null, ratio: null, ratioError: null, goal: null };
  return [
    { measure: `memory of ${String(count)} live sessions`, unit: 'MiB', session: kib / 1024, ...row },
    { measure: 'memory of one live session', unit: 'KiB', session: kib / count, ...row },
  ];
}

/** Resident memory after collecting, in bytes. */
async function settledMemory(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let at = 0; at < 3; at += 1) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return process.memoryUsage().rss;
}
