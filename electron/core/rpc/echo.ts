// `echo`: streams back what it gets, octets as octets and JSON as JSON. For trying a connection out.
import type { Rpc } from './rpc.ts';

export const echo: Rpc = {
  name: 'echo',
  takesStream: true,
  idempotent: true,
  run: ({ args, body }) => (body === null ? { json: args } : { stream: body }),
};
