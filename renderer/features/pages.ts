// The console's pages, one a line, in the order of the sidebar and of Ctrl/Cmd+1 to 8. Must hold nothing else: a page
// brings everything that it needs itself.
import Activity from '@lucide/svelte/icons/activity';
import Files from '@lucide/svelte/icons/files';
import KeyRound from '@lucide/svelte/icons/key-round';
import ListTree from '@lucide/svelte/icons/list-tree';
import ScrollText from '@lucide/svelte/icons/scroll-text';
import Settings2 from '@lucide/svelte/icons/settings-2';
import TabletSmartphone from '@lucide/svelte/icons/tablet-smartphone';
import Users from '@lucide/svelte/icons/users';
import type { Component } from 'svelte';
import * as m from '../i18n/compiled/messages.js';

export interface ConsolePage {
  readonly id: string;
  readonly path: string;
  readonly icon: Component;
  readonly title: () => string;
  /** Its code, which comes apart from the frame's. */
  readonly load: () => Promise<{ readonly default: Component }>;
  /** The letter after `g`. */
  readonly shortcut: string;
}

// prettier-ignore
export const pages = [
  { id: 'connectivity', path: '/connectivity', icon: Activity, title: m.connectivity_title, load: () => import('./connectivity/ConnectivityPage.svelte'), shortcut: 'c' },
  { id: 'requests', path: '/requests', icon: ListTree, title: m.requests_title, load: () => import('./requests/RequestsPage.svelte'), shortcut: 'r' },
  { id: 'sessions', path: '/sessions', icon: Users, title: m.sessions_title, load: () => import('./sessions/SessionsPage.svelte'), shortcut: 's' },
  { id: 'access', path: '/access', icon: KeyRound, title: m.access_title, load: () => import('./access/AccessPage.svelte'), shortcut: 'a' },
  { id: 'devices', path: '/devices', icon: TabletSmartphone, title: m.devices_title, load: () => import('./devices/DevicesPage.svelte'), shortcut: 'd' },
  { id: 'documents', path: '/documents', icon: Files, title: m.documents_title, load: () => import('./documents/DocumentsPage.svelte'), shortcut: 'o' },
  { id: 'audit', path: '/audit', icon: ScrollText, title: m.audit_title, load: () => import('./audit/AuditPage.svelte'), shortcut: 'l' },
  { id: 'settings', path: '/settings', icon: Settings2, title: m.settings_title, load: () => import('./settings/SettingsPage.svelte'), shortcut: ',' },
] as const satisfies readonly ConsolePage[];

/** The page of a path; the first one where there is none. */
export function pageAt(path: string): ConsolePage {
  return pages.find((page) => page.path === path) ?? pages[0];
}
