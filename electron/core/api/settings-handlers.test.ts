// What a wanted setting changes, and in which order.
import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../../shared/contracts/settings.ts';
import { changesFor } from './settings-handlers.ts';

const e2ee = 'service.e2ee.require_e2ee';
const verification = 'service.e2ee.require_e2ee_session_verification';
const lax = { ...defaultSettings, [e2ee]: false, [verification]: false };
const strict = { ...defaultSettings, [e2ee]: true, [verification]: true };

describe('changesFor', () => {
  it.each([
    ['verification on, with E2EE first', { name: verification, value: true }, lax, [e2ee, verification]],
    ['verification on where E2EE is', { name: verification, value: true }, defaultSettings, [verification]],
    ['E2EE on alone', { name: e2ee, value: true }, lax, [e2ee]],
    ['E2EE off alone', { name: e2ee, value: false }, strict, [e2ee]],
    ['verification off alone', { name: verification, value: false }, strict, [verification]],
    ['nothing where it is so', { name: verification, value: true }, strict, []],
    [
      'retention',
      { name: 'service.inspector.retention_days', value: 7 },
      strict,
      ['service.inspector.retention_days'],
    ],
  ] as const)('changes %s', (_what, wanted, now, names) => {
    const changes = changesFor(wanted, now);
    expect(changes.map(({ name }) => name)).toEqual(names);
    expect(changes.at(-1)?.value ?? wanted.value).toBe(wanted.value);
  });
});
