// Session verification over real TLS: it fits one connection, and no relayed one. The man in the middle here
// has everything but the keys: he ends the client's TLS with a certificate of his own, opens another TLS
// connection to the service, and passes on the SCRAM messages word for word.
import { afterEach, describe, expect, it } from 'vitest';
import { runScram, scramParties } from '../../testing/scram-exchange.ts';
import { openTunnelPair, type TunnelPair } from '../../testing/tunnel-pair.ts';
import { channelBinding } from '../tunnel.ts';

const opened: TunnelPair[] = [];

afterEach(() => {
  for (const pair of opened.splice(0)) pair.close();
});

async function open(): Promise<TunnelPair> {
  const pair = await openTunnelPair();
  opened.push(pair);
  return pair;
}

describe('session verification over TLS', () => {
  it('succeeds between the two ends of one connection', async () => {
    const { client, service } = await open();
    const parties = scramParties({
      client: { channelBinding: channelBinding(client.socket) },
      server: { channelBinding: channelBinding(service) },
    });
    await runScram(parties);
    expect(parties.client.verified).toBe(true);
  });

  it('fails at the service when relayed between two connections', async () => {
    const [toMiddle, toService] = [await open(), await open()];
    const parties = scramParties({
      client: { channelBinding: channelBinding(toMiddle.client.socket) },
      server: { channelBinding: channelBinding(toService.service) },
    });
    await expect(runScram(parties)).rejects.toMatchObject({ code: 'verification_failed' });
    expect(parties.client.verified).toBe(false);
  });

  it('fails when the middle also puts in the binding of the other connection', async () => {
    const [toMiddle, toService] = [await open(), await open()];
    const gs2 = Buffer.from('p=tls-exporter,,');
    const binding = Buffer.concat([gs2, channelBinding(toService.client.socket)]).toString('base64');
    const parties = scramParties({
      client: { channelBinding: channelBinding(toMiddle.client.socket) },
      server: { channelBinding: channelBinding(toService.service) },
    });
    const outcome = runScram(parties, (name, message) =>
      name === 'clientFinal' ? message.replace(/c=[^,]*/, `c=${binding}`) : message,
    );
    await expect(outcome).rejects.toMatchObject({ code: 'access_token_rejected' });
    expect(parties.client.verified).toBe(false);
  });
});
