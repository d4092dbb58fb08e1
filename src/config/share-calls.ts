import type { RouterOptions } from './options.ts';
import type { IntentOptions } from './routing-options.ts';

/** The share of the first of two, where nothing says it. */
export const usualRatio = 0.8;

export interface SharedCalls {
  readonly options: Required<Pick<RouterOptions, 'balance'>> & { readonly intents: Readonly<Record<'fast' | 'heavy', IntentOptions>> };
  /** By id; the first one's first. */
  readonly weights: ReadonlyMap<string, number>;
}

/**
 * All calls between two providers, `ratio` of them to the first: who sets a ratio says it of the whole, so it holds for each built-in
 * intent, and both are equals whatever they cost. By themselves `heavy` has an order of its own, and free ones go before paid ones.
 */
export function shareCalls(first: string, second: string, ratio: number): SharedCalls {
  const shared = (): IntentOptions => ({ order: [[first, second]], balance: 'weighted' });
  return {
    options: { balance: 'weighted', intents: { fast: shared(), heavy: shared() } },
    weights: new Map([
      [first, ratio],
      // 1 - 0.7 is not quite 0.3.
      [second, Number((1 - ratio).toPrecision(12))],
    ]),
  };
}
