// A request as text to take along: the call that a client would make again, or everything as JSON. Must never hold a
// token: the person who calls has their own.
import type { RequestDetail } from '../../../shared/contracts/console/models.ts';

/** @param line the console's own line, which calls `ping` of this service through its relay; undefined until known */
export function asCallLine(detail: RequestDetail, line: string | undefined): string {
  const what = [detail.serviceId, detail.rpcName, ...argumentsOf(detail)].map(quoteForShell).join(' ');
  const known = `${detail.serviceId} ping`;
  return line?.includes(known) === true ? line.replace(known, () => what) : `gatehouse call ${what}`;
}

/** Only those that were captured whole and as they were. */
function argumentsOf({ payloads }: RequestDetail): string[] {
  const body = payloads.find((payload) => payload.direction === 'request');
  return body?.text && !body.truncated && body.redactions === 0 ? [body.text] : [];
}

export function asJson(detail: RequestDetail): string {
  return JSON.stringify(detail, null, 2);
}

function quoteForShell(word: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
