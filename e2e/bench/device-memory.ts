// Memory of live sessions: the agent's state of each (keys, window of replays, life), made by real handshakes in this
// process, between two full collections. What the service keeps beside it (rows, facts for the console) is not in it.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { AgentSession, answerStart, newIdentity } from '../../shared/device/agent.ts';
import { beginStart } from '../../shared/device/app-handshake.ts';
import type { DeviceRow } from './device-measures.ts';

export async function memoryOfSessions(count: number): Promise<DeviceRow[]> {
  const [agent, app] = await Promise.all([newIdentity(), newIdentity()]);
  const facts = { serviceId: 'abcd-efgh-2345', issuer: 'https://login.example', subject: 'bench' };
  const open = async (at: number): Promise<AgentSession> => {
    const start = await beginStart({ identity: app, agentPublicKey: agent, ...facts });
    const sessionId = `bench-session-${String(at).padStart(8, '0')}`;
    const request = { identity: agent, devicePublicKey: app, message: start.message, sessionId, ...facts };
    return new AgentSession({ sessionId, keys: (await answerStart(request)).keys });
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
