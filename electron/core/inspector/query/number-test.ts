// How a number answers to a term of a filter. NaN, a value that is not there yet, answers none.
import type { Term, TermValue } from '../../../../shared/contracts/filter/filter.ts';

type FieldTerm = Extract<Term, { kind: 'field' }>;

export type NumberTest = (value: number) => boolean;

export function numberTest({ field, comparison, values }: FieldTerm): NumberTest {
  const numbers = values.map(numberOf);
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  if (field === 'since') return (value) => value >= least;
  if (field === 'until') return (value) => value < most;
  switch (comparison) {
    case 'is':
      return numbers.length === 1 ? (value) => value === least : (value) => numbers.includes(value);
    case 'more':
      return (value) => value > least;
    case 'atLeast':
      return (value) => value >= least;
    case 'less':
      return (value) => value < most;
    case 'atMost':
      return (value) => value <= most;
  }
}

function numberOf(value: TermValue): number {
  return value.kind === 'number' ? value.value : NaN;
}
