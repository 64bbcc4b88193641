// The error of a query that its caller gave up: the same on both threads.
import { GatehouseError } from '../../../../shared/contracts/errors.ts';

export function cancelled(): GatehouseError {
  return new GatehouseError('cancelled', 'The query was cancelled.');
}
