// The one-shot commands on a relay's data folder: make, list and revoke tokens, list and forget services. They work
// whether or not a relay runs on the folder. A token is printed once and nowhere else.
import { GatehouseError } from '../../shared/contracts/errors.ts';
import { RelayState } from '../../shared/relay/state/relay-state.ts';
import { parseDuration } from './duration.ts';
import { printNote, printResult } from './output.ts';
import type { OutputOptions } from './output.ts';
import { resolvePath } from './paths.ts';

export interface DataFlags extends OutputOptions {
  readonly data: string;
}

export interface EnrolmentTokenFlags extends DataFlags {
  readonly expires: string;
}

export interface ClientTokenFlags extends DataFlags {
  readonly user?: string;
  readonly service?: readonly string[];
}

export async function makeEnrolmentToken(flags: EnrolmentTokenFlags): Promise<void> {
  const life = parseDuration(flags.expires);
  const minted = await (await openState(flags)).enrolmentTokens.mint(life);
  const lines = [
    minted.token,
    `It enrols one service, once, until ${minted.expiresAt}. It is not shown again.`,
  ];
  printResult(minted, lines, flags);
}

export async function makeClientToken(flags: ClientTokenFlags): Promise<void> {
  if (flags.user === undefined) throw new GatehouseError('usage', 'Say whose token it is: --user NAME');
  const minted = await (await openState(flags)).clientTokens.mint(flags.user, flags.service ?? null);
  const reach = minted.serviceIds === null ? 'every service' : minted.serviceIds.join(', ');
  const lines = [
    minted.token,
    `It lets ${minted.user} reach ${reach}. Its id is ${minted.id}. It is not shown again.`,
  ];
  printResult(minted, lines, flags);
}

export async function listClientTokens(flags: DataFlags): Promise<void> {
  const { records, problems } = await (await openState(flags)).clientTokens.list();
  const tokens = [...records].map(([id, { user, serviceIds, createdAt, revokedAt }]) => {
    return { id, user, serviceIds, createdAt, revokedAt };
  });
  const lines = tokens.map(({ id, user, serviceIds, revokedAt }) => {
    const reach = serviceIds?.join(', ') ?? 'every service';
    return `${id}  ${user}  ${reach}  ${revokedAt === null ? 'valid' : `revoked ${revokedAt}`}`;
  });
  const none = 'There are none. Make one with: gatehouse relay client-token --user NAME';
  printResult({ tokens }, lines.length === 0 ? [none] : lines, flags);
  noteProblems(problems);
}

export async function revokeClientToken(id: string, flags: DataFlags): Promise<void> {
  await (await openState(flags)).clientTokens.revoke(id);
  const line = `The client token ${id} is revoked. A running relay ends its connections within a second.`;
  printResult({ id, revoked: true }, [line], flags);
}

export async function listServices(flags: DataFlags): Promise<void> {
  const { records, problems } = await (await openState(flags)).services.list();
  const services = [...records].map(([serviceId, { enrolledAt }]) => ({ serviceId, enrolledAt }));
  const lines = services.map(({ serviceId, enrolledAt }) => `${serviceId}  enrolled ${enrolledAt}`);
  const none = 'None has enrolled. Make a token with: gatehouse relay enrolment-token';
  printResult({ services }, lines.length === 0 ? [none] : lines, flags);
  noteProblems(problems);
}

export async function forgetService(serviceId: string, flags: DataFlags): Promise<void> {
  await (await openState(flags)).services.forget(serviceId);
  const line = `${serviceId} is forgotten. To come back it needs a new enrolment token.`;
  printResult({ serviceId, forgotten: true }, [line], flags);
}

function openState({ data }: DataFlags): Promise<RelayState> {
  return RelayState.open(resolvePath(data));
}

function noteProblems(problems: readonly GatehouseError[]): void {
  for (const { code, message } of problems) printNote(`gatehouse: ${message} [${code}]`);
}
