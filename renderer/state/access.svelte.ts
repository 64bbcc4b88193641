// The access page: remote users and their access tokens, found, chosen by keyboard and revoked. Must never hold the
// secret of a token (`TokenForm` does, while it is shown).
import type { AccessTokenView, TokensView } from '../../shared/contracts/console/models.ts';
import type { Service } from './task.svelte.ts';

export type StatusFilter = 'all' | AccessTokenView['status'];
export const statusFilters = ['all', 'active', 'expired', 'revoked'] as const satisfies StatusFilter[];

export interface UserGroup {
  readonly user: string;
  readonly tokens: readonly AccessTokenView[];
  readonly active: number;
  readonly liveSessions: number;
}

const order: Readonly<Record<AccessTokenView['status'], number>> = { active: 0, expired: 1, revoked: 2 };

/** Users by name; their active tokens first, newest first. */
export function groupByUser(tokens: readonly AccessTokenView[]): UserGroup[] {
  const byUser = Map.groupBy(tokens, (token) => token.user);
  return [...byUser]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([user, own]) => ({
      user,
      tokens: own.sort((a, b) => order[a.status] - order[b.status] || b.createdAt - a.createdAt),
      active: own.filter((token) => token.status === 'active').length,
      liveSessions: own.reduce((sum, token) => sum + token.liveSessions, 0),
    }));
}

export class AccessState {
  text = $state('');
  status = $state<StatusFilter>('all');
  selectedId = $state<string | null>(null);
  /** The token that a person wants to revoke and has not confirmed yet. */
  revoking = $state.raw<AccessTokenView | null>(null);
  readonly #service: Service;
  readonly groups = $derived.by(() => groupByUser(this.#matching()));
  readonly selected = $derived.by(() => this.#shown().find((token) => token.id === this.selectedId) ?? null);

  constructor(service: Service) {
    this.#service = service;
  }

  get view(): TokensView | undefined {
    return this.#service.topic('tokens');
  }

  get filtered(): boolean {
    return this.text.trim() !== '' || this.status !== 'all';
  }

  count(status: StatusFilter): number {
    const tokens = this.view?.tokens ?? [];
    return status === 'all' ? tokens.length : tokens.filter((token) => token.status === status).length;
  }

  /** How many live sessions end when it is revoked, as known now. */
  sessionsOf(token: AccessTokenView): number {
    return this.view?.tokens.find((other) => other.id === token.id)?.liveSessions ?? token.liveSessions;
  }

  clearFilter(): void {
    this.text = '';
    this.status = 'all';
  }

  /** Moves the selection; a large `by` goes to the end. */
  move(by: number): void {
    const shown = this.#shown();
    if (shown.length === 0) return;
    const at = shown.findIndex((token) => token.id === this.selectedId);
    const from = at === -1 ? (by > 0 ? -1 : shown.length) : at;
    const to = Math.min(Math.max(from + by, 0), shown.length - 1);
    this.selectedId = shown[to]?.id ?? null;
  }

  askToRevoke(token: AccessTokenView): void {
    if (token.status === 'active') this.revoking = token;
  }

  /** Answers how many live sessions ended with it. Rejects with a GatehouseError. */
  async revoke(): Promise<number> {
    const token = this.revoking;
    if (token === null) return 0;
    const { sessionsEnded } = await this.#service.call('tokens.revoke', { id: token.id });
    this.revoking = null;
    return sessionsEnded;
  }

  #matching(): AccessTokenView[] {
    const text = this.text.trim().toLowerCase();
    return (this.view?.tokens ?? []).filter(
      (token) =>
        (this.status === 'all' || token.status === this.status) &&
        (token.user.toLowerCase().includes(text) || token.id.toLowerCase().includes(text)),
    );
  }

  #shown(): AccessTokenView[] {
    return this.groups.flatMap((group) => group.tokens);
  }
}
