// What the router refuses, and that each refusal is on record with its reason and no more than a bounded name.
import { afterEach, describe, expect, it } from 'vitest';
import { answerOf, codeOf, request, SampleEndpoint } from './endpoint-samples.ts';
import type { SampleOptions } from './endpoint-samples.ts';

const opened: SampleEndpoint[] = [];

afterEach(() => {
  for (const endpoint of opened.splice(0)) endpoint.close();
});

async function open(options: SampleOptions = {}) {
  const endpoint = new SampleEndpoint(options);
  opened.push(endpoint);
  return { endpoint, log: endpoint.log, ...(await endpoint.openH2()) };
}

const rejections: readonly [what: string, path: string, method: string, rpcName: string][] = [
  ['an unknown RPC', '/rpc/nothing', 'POST', 'nothing'],
  ['no RPC', '/rpc/', 'POST', ''],
  ['another path', '/', 'POST', ''],
  ['a climbing path', '/rpc/../ping', 'POST', ''],
  ['an encoded name', '/rpc/%70ing', 'POST', ''],
  ['a query', '/rpc/ping?x=1', 'POST', ''],
  ['a name in capitals', '/rpc/PING', 'POST', ''],
  ['a name of 10 KiB', `/rpc/${'a'.repeat(10_240)}`, 'POST', 'a'.repeat(64)],
  ['a prototype name', '/rpc/constructor', 'POST', 'constructor'],
  ['a GET', '/rpc/ping', 'GET', 'ping'],
  ['a PUT', '/rpc/capabilities', 'PUT', 'capabilities'],
  ['a verification by GET', '/session/verify', 'GET', ''],
];

describe('a rejection', () => {
  it.each(rejections)('of %s has its row and is bounded', async (_what, path, method, rpcName) => {
    const { log, session } = await open();
    const stream = session.request({ ':method': method, ':path': path });
    stream.end();
    const answer = await answerOf(stream);
    expect([answer.status, codeOf(answer)]).toEqual([404, 'rpc_unknown']);
    expect(log.begun).toEqual([]);
    expect(log.rejected).toMatchObject([{ rpcName, rejectionCode: 'rpc_unknown', clientId: 'anna' }]);
    expect(log.rejected[0]?.rejectionMessage.length).toBeLessThan(200);
  });

  it('by policy comes before it is told whether there is such an RPC', async () => {
    const settings = { 'service.e2ee.require_e2ee_session_verification': true };
    const { log, session } = await open({ settings });
    const codes = [];
    for (const path of ['/rpc/ping', '/rpc/nothing', '/other'])
      codes.push(codeOf(await request(session, path, '')));
    expect(codes).toEqual(Array(3).fill('access_token_required'));
    expect((await request(session, '/rpc/capabilities', '')).status).toBe(200);
    expect(log.rejected.map((row) => row.rejectionCode)).toEqual(codes);
  });

  it('meets every request once the service is stopping', async () => {
    const { endpoint, session } = await open();
    endpoint.router.stop();
    const answer = await request(session, '/rpc/capabilities', '');
    expect([answer.status, codeOf(answer)]).toEqual([503, 'shutting_down']);
  });
});
