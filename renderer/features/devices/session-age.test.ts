// Two clocks that are a millisecond apart must not turn fifteen minutes into 14 min 59 s.
import { expect, it } from 'vitest';
import { ageOf } from './session-age.ts';

it.each([899_999, 900_000, 900_001])(
  'a session that ends %d ms after its start may become 15 minutes old',
  (endsAt) => {
    expect(ageOf({ startedAt: 0, endsAt }, 1_999)).toEqual({ age: 1_000, longest: 900_000 });
  },
);

it('is never below nothing, nor above what it may become, whatever the clocks say', () => {
  const session = { startedAt: 1_000_000, endsAt: 1_900_000 };
  expect(ageOf(session, 999_000).age).toBe(0);
  expect(ageOf(session, 5_000_000).age).toBe(900_000);
});
