// That the protocol names each refusal of the agent, with its status: an app in another language has nothing else.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { problemStatuses } from './problems.ts';

test('section 10.1 of the protocol lists every refusal of the agent with its status, and no other', () => {
  const protocol = readFileSync(join(import.meta.dirname, '../../../shared/PROTOCOL.md'), 'utf8');
  const table = protocol.split("The agent's refusals pass")[1] ?? '';
  const rows = [...(table.split('Errors of an RPC')[0] ?? '').matchAll(/^\| (\d{3}) +\| (`[^|]+)\|/gm)];
  const listed = rows.flatMap(([, status, codes]) =>
    [...(codes ?? '').matchAll(/`(\w+)`/g)].map(([, code]) => [code, Number(status)]),
  );
  expect(Object.fromEntries(listed)).toEqual({ ...problemStatuses, internal: 500 });
});
