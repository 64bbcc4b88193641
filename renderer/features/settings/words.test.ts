// The words of settings.
import { describe, expect, it } from 'vitest';
import { auditHref, describeChange, impliedE2ee } from './words.ts';
import { e2ee, verification } from '../../state/settings.svelte.ts';
import { maxAgeMinutes, oidcIssuer, retentionDays } from '../../state/settings-typed.svelte.ts';

describe('the words of a change', () => {
  it('say old and new, with the unit', () => {
    expect(describeChange({ name: retentionDays, old: 1500, value: 7 })).toMatch(/1,500 days → 7 days/);
    expect(describeChange({ name: maxAgeMinutes, old: 15, value: 5 })).toMatch(/15 minutes → 5 minutes/);
    expect(describeChange({ name: e2ee, old: true, value: false })).toMatch(/on → off/);
  });

  it('call a text that is empty nothing', () => {
    const change = { name: oidcIssuer, old: '', value: 'https://id.example' } as const;
    expect(describeChange(change)).toMatch(/none → https:\/\/id\.example/);
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
