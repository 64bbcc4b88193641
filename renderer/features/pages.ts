// The console's pages, one a line, in the order of the sidebar and of Ctrl/Cmd+1 to 6. Must hold nothing else: a page
// brings everything that it needs itself.
import Activity from '@lucide/svelte/icons/activity';
import KeyRound from '@lucide/svelte/icons/key-round';
import ListTree from '@lucide/svelte/icons/list-tree';
import ScrollText from '@lucide/svelte/icons/scroll-text';
import Settings2 from '@lucide/svelte/icons/settings-2';
import Users from '@lucide/svelte/icons/users';
import type { Component } from 'svelte';
import * as m from '../i18n/compiled/messages.js';
import AccessPage from './access/AccessPage.svelte';
import AuditPage from './audit/AuditPage.svelte';
import ConnectivityPage from './connectivity/ConnectivityPage.svelte';
import RequestsPage from './requests/RequestsPage.svelte';
import SessionsPage from './sessions/SessionsPage.svelte';
import SettingsPage from './settings/SettingsPage.svelte';

export interface ConsolePage {
  readonly id: string;
  readonly path: string;
  readonly icon: Component;
  readonly title: () => string;
  readonly component: Component;
  /** The letter after `g`. */
  readonly shortcut: string;
}

// prettier-ignore
export const pages = [
  { id: 'connectivity', path: '/connectivity', icon: Activity, title: m.connectivity_title, component: ConnectivityPage, shortcut: 'c' },
  { id: 'requests', path: '/requests', icon: ListTree, title: m.requests_title, component: RequestsPage, shortcut: 'r' },
  { id: 'sessions', path: '/sessions', icon: Users, title: m.sessions_title, component: SessionsPage, shortcut: 's' },
  { id: 'access', path: '/access', icon: KeyRound, title: m.access_title, component: AccessPage, shortcut: 'a' },
  { id: 'audit', path: '/audit', icon: ScrollText, title: m.audit_title, component: AuditPage, shortcut: 'l' },
  { id: 'settings', path: '/settings', icon: Settings2, title: m.settings_title, component: SettingsPage, shortcut: ',' },
] as const satisfies readonly ConsolePage[];
