// `discard`: takes octets, keeps none, and answers how many came (in the spirit of RFC 863), to measure the way up.
import type { Rpc } from './rpc.ts';

export const discard: Rpc = {
  name: 'discard',
  takesStream: true,
  run: async ({ body }) => {
    let bytes = 0;
    if (body !== null) for await (const chunk of body) bytes += (chunk as Buffer).length;
    return { json: { bytes } };
  },
};
