// The endpoint put together: what it tells its host.
import { duplexPair } from 'node:stream';
import { connect } from 'node:http2';
import { expect, it, vi } from 'vitest';
import { GatehouseError } from '../../../shared/contracts/errors.ts';
import { defaultSettings } from '../../../shared/contracts/settings.ts';
import { ScramClient } from '../../../shared/e2ee/scram/client.ts';
import { channelBinding, startClientTls } from '../../../shared/e2ee/tunnel.ts';
import { testCredential, testToken } from '../../../shared/testing/scram-exchange.ts';
import { issueCertificate } from '../certificates/issue.ts';
import { request, SampleLog, sampleServiceId, until } from './endpoint-samples.ts';
import { Endpoint } from './endpoint.ts';

async function open() {
  const onIncident = vi.fn();
  const endpoint = new Endpoint({
    serviceId: sampleServiceId,
    settings: () => defaultSettings,
    findToken: (id) => (id === testToken.id ? { remoteUser: 'Anna', scram: testCredential } : null),
    fakeSaltKey: Buffer.alloc(32, 0xfa),
    log: new SampleLog(),
    domainName: () => 'PROD',
    certificate: await issueCertificate(sampleServiceId),
    onIncident,
  });
  const [near, far] = duplexPair();
  endpoint.acceptor.acceptDirect(far, 'anna');
  const { socket } = await startClientTls(near, { alpn: ['h2'] });
  const session = connect('https://service', { createConnection: () => socket });
  session.on('error', () => undefined);
  return { endpoint, onIncident, socket, session };
}

it.each([
  ['a wrong secret', { secret: testToken.secret.replace('Z', 'Y') }],
  ['an id that nobody has', { id: 'zzzzzzzzzzzz' }],
])('a token with %s is an incident', async (_what, changes) => {
  const { onIncident, socket, session } = await open();
  const scram = new ScramClient({ ...testToken, ...changes, channelBinding: channelBinding(socket) });
  const text = { 'content-type': 'text/plain; charset=utf-8' };
  const first = await request(session, '/session/verify', scram.first(), text);
  await request(session, '/session/verify', await scram.final(String(first.body)), text);
  expect(onIncident.mock.calls).toEqual([
    [{ kind: 'token_rejected', code: 'access_token_rejected', clientId: 'anna' }],
  ]);
  session.destroy();
});

it('sessions can be followed and ended one by one', async () => {
  const { endpoint, session } = await open();
  const tell = vi.fn();
  const end = endpoint.onSessionsChange(tell);
  await request(session, '/rpc/ping', '');
  const [live] = endpoint.sessions.live();
  endpoint.endSession(live?.facts.id ?? '', new GatehouseError('session_ended', 'It ends.'));
  await until(() => session.closed || session.destroyed);
  expect(tell).toHaveBeenCalled();
  expect(endpoint.sessions.live()).toEqual([]);
  end();
});
