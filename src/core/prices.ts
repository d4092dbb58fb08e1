/** US dollars for a million tokens. */
export interface ModelPrice {
  readonly inputPerMillionUsd: number;
  readonly outputPerMillionUsd: number;
}

/** What models cost, as known on a day. */
export interface PriceTable {
  /** The day on which the prices were right, `2026-11-21`. */
  readonly date: string;
  /** Where they come from. */
  readonly source: string;
  /** Undefined: not known. `model` is the provider's own name. */
  priceOf(type: string, model: string): ModelPrice | undefined;
}
