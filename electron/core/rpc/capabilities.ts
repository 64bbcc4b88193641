// `capabilities`: versions and requirements, and nothing else. The one RPC that answers everybody.
import type { Rpc } from './rpc.ts';

export const capabilities: Rpc = {
  name: 'capabilities',
  takesStream: false,
  idempotent: true,
  run: ({ context }) => ({ json: context.capabilities() }),
};
