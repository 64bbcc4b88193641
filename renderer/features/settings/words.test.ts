// The words of settings.
import { describe, expect, it } from 'vitest';
import { auditHref, describeChange, impliedE2ee } from './words.ts';
import { e2ee, retentionDays, verification } from '../../state/settings.svelte.ts';

describe('the words of a change', () => {
  it('say old and new, with the unit', () => {
    expect(describeChange({ name: retentionDays, old: 1500, value: 7 })).toMatch(/1,500 days → 7 days/);
    expect(describeChange({ name: e2ee, old: true, value: false })).toMatch(/on → off/);
  });

  it.each([
    [[{ name: verification, old: false, value: true }], false],
    [[{ name: e2ee, old: false, value: true }], false],
    [
      [
        { name: verification, old: false, value: true },
        { name: e2ee, old: false, value: true },
      ],
      true,
    ],
  ] as const)('tell whether E2EE came with verification: %j is %s', (changes, implied) => {
    expect(impliedE2ee(changes)).toBe(implied);
  });

  it('lead to the audit log with a filter that survives the address', () => {
    expect(auditHref('action:settings.changed subject:a&b')).toBe(
      '#/audit?filter=action%3Asettings.changed%20subject%3Aa%26b',
    );
  });
});
