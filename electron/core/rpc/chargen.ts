// `chargen`: streams as many octets as `{"bytes":n}` asks for (in the spirit of RFC 864), to measure the way down.
import { Readable } from 'node:stream';
import * as v from 'valibot';
import { badRequest } from './rpc.ts';
import type { Rpc } from './rpc.ts';

/** Octets of one answer: enough for any measurement, and an end. */
const maxBytes = 4 * 1024 ** 3;
const block = Buffer.alloc(256 * 1024, 'Gatehouse chargen. ');
const argsSchema = v.object({ bytes: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(maxBytes)) });

export const chargen: Rpc = {
  name: 'chargen',
  takesStream: true,
  run: ({ args, body }) => {
    const parsed = v.safeParse(argsSchema, args);
    if (!parsed.success) throw badRequest(`chargen takes {"bytes":n} with n from 0 to ${maxBytes}.`);
    body?.resume(); // a client that streams may send its arguments beside an empty body
    return { stream: octets(parsed.output.bytes) };
  },
};

function octets(bytes: number): Readable {
  let left = bytes;
  return new Readable({
    highWaterMark: 2 * block.length,
    read() {
      const length = Math.min(left, block.length);
      left -= length;
      this.push(length === 0 ? null : block.subarray(0, length));
    },
  });
}
