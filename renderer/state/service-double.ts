// For the tests of this folder: a service whose topics are set by hand and whose calls answer what a test says. Never
// part of the page.
import { GatehouseError } from '../../shared/contracts/errors.ts';
import type { SessionView } from '../../shared/contracts/console/models.ts';
import type { CallArgs, CallName, CallResult } from '../../shared/contracts/console/calls.ts';
import type { TopicName, Topics } from '../../shared/contracts/console/topics.ts';
import type { Service } from './task.svelte.ts';

type Answers = { [N in CallName]?: (args: CallArgs<N>) => CallResult<N> | Promise<CallResult<N>> };

export class ServiceDouble implements Service {
  readonly calls: { readonly name: CallName; readonly args: unknown }[] = [];
  readonly answers: Answers = {};
  topics: Partial<Topics> = {};

  topic<N extends TopicName>(name: N): Topics[N] | undefined {
    return this.topics[name];
  }

  async call<N extends CallName>(name: N, args: CallArgs<N>): Promise<CallResult<N>> {
    this.calls.push({ name, args });
    const answer = this.answers[name];
    if (answer === undefined) throw new GatehouseError('internal', `No answer for ${name}.`);
    return answer(args);
  }
}

export function refuse(code: GatehouseError['code']): () => never {
  return () => {
    throw new GatehouseError(code, `Refused: ${code}.`);
  };
}

export function session(id: string, facts: Partial<SessionView> = {}): SessionView {
  return {
    id,
    clientId: `client-${id}`,
    remoteUser: 'anna',
    tokenId: 'tok1',
    e2eeUsed: true,
    sessionVerified: true,
    verifiedBy: 'fingerprint',
    tlsVersion: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    fingerprint: 'ab'.repeat(32),
    onCurrentCertificate: true,
    h2: true,
    startedAt: 1000,
    running: 0,
    requests: 1,
    bytesRead: 10,
    bytesWritten: 20,
    ...facts,
  };
}
