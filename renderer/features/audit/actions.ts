// What can be done on the Audit page by a key, and the list's own keys for the `?` sheet.
import * as m from '../../i18n/compiled/messages.js';
import type { Action } from '../../state/actions.svelte.ts';
import type { AuditPageModel } from '../../state/audit-page.svelte.ts';

export function auditActions(model: AuditPageModel, focusFilter: () => void): Action[] {
  return [
    { id: 'audit.filter', title: m.audit_action_filter, group: 'page', keys: ['/'], run: focusFilter },
    { id: 'audit.next', title: m.audit_action_next, group: 'page', keys: ['j'], run: () => model.step(1) },
    {
      id: 'audit.previous',
      title: m.audit_action_previous,
      group: 'page',
      keys: ['k'],
      run: () => model.step(-1),
    },
    {
      id: 'audit.move',
      title: m.requests_action_move,
      group: 'page',
      keys: ['up', 'down', 'pageup', 'pagedown', 'home', 'end'],
      keysOnly: true,
      run: () => {},
    },
  ];
}
