// The bounds of the filter language, which keep a huge text from costing anything. Must hold no behaviour.

export const filterLimits = {
  /** UTF-16 units. */
  length: 4096,
  terms: 64,
  /** Values of one term. */
  values: 64,
} as const;
