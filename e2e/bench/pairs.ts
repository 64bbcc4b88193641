// How measurements of two ways that took turns become one figure, and how sure it is.

/** The ratio of each measurement to its neighbour in time, and what they come to. */
export interface Ratio {
  readonly median: number;
  /** Standard error: two runs that differ by less than twice this do not differ. */
  readonly error: number;
}

export function ratioOf(values: readonly number[], others: readonly number[]): Ratio {
  const pairs = values.map((value, at) => value / (others[at] ?? NaN));
  return { median: median(pairs), error: medianError(pairs) };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** Of the median of normally distributed values: sqrt(π/2) times that of their mean. */
function medianError(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(((Math.PI / 2) * squares) / Math.max(1, values.length - 1) / values.length);
}
