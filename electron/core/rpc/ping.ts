// `ping`: is the service there, and what time is it there. Takes `{"echo": any JSON up to 1 KiB}` or nothing.
import * as v from 'valibot';
import { badRequest } from './rpc.ts';
import type { Rpc } from './rpc.ts';

const maxEchoLength = 1024;
const argsSchema = v.nullable(v.object({ echo: v.optional(v.unknown()) }));

export const ping: Rpc = {
  name: 'ping',
  takesStream: false,
  idempotent: true,
  run: ({ args, context }) => {
    const parsed = v.safeParse(argsSchema, args);
    if (!parsed.success) throw badRequest('ping takes an object with "echo", or nothing.');
    const echo = parsed.output?.echo;
    if (echo === undefined) return { json: { pong: true, serverTime: context.now() } };
    if (JSON.stringify(echo).length > maxEchoLength) {
      throw badRequest(`"echo" may have ${maxEchoLength} characters of JSON; use the RPC echo for more.`);
    }
    return { json: { pong: true, serverTime: context.now(), echo } };
  },
};
